/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin as it was built for ABI 1, laid out by hand since that header is gone: the loader must
 * refuse it by its number, before it reads anything behind. */
#include <stddef.h>
#include <stdint.h>

struct descriptor_of_abi_1 {
    uint32_t magic, abi;
    size_t size;
    const char *name, *version, *summary;
    size_t instance_size;
    const void *options, *init, *fini, *source, *mapper, *target, *functions;
};
extern __attribute__((visibility("default"))) const struct descriptor_of_abi_1 iptfhir_plugin;
const struct descriptor_of_abi_1 iptfhir_plugin = {
    .magic = 0x49505446u,
    .abi = 1,
    .size = sizeof(struct descriptor_of_abi_1),
    .name = "abi-1",
    .version = "1",
    .summary = "A plugin of yesterday",
};
