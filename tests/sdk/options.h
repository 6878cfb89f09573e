/* SPDX-License-Identifier: Apache-2.0 */
/* The instance of the plugin with every type of option, as the test of instances sees it. */
#ifndef TESTS_SDK_OPTIONS_H
#define TESTS_SDK_OPTIONS_H

#include <iptfhir/plugin.h>

struct options {
    const char *text, *needed, *path, *existing, *secret;
    int64_t number;
    bool on_call;
    int choice;
    const char *const *list, *const *initial_list;
    const struct iptfhir_host *host;
    int inits;
};
#endif
