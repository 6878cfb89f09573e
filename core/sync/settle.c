/* SPDX-License-Identifier: Apache-2.0 */
/* settle_seconds against timeout_ms. */
#include "core/sync/settle.h"

#include "core/base/error.h"

void settle_check(const struct config_instance *target, const struct iptfhir_target *calls,
                  void *instance, struct report *report) {
    struct iptfhir_http_settings settings = { .size = sizeof settings };
    calls->connection(instance, &settings);
    if (settings.base_url == NULL)
        return;
    int64_t needed_ms = settings.timeout_ms + SETTLE_INDEX_MS;
    if (target->settle_seconds * 1000 >= needed_ms)
        return;
    report_add(report, REPORT_WARNING, "settle-short", target->settle_where,
               "targets.%s: settle_seconds is %lld, but a request whose answer was lost may take "
               "effect for timeout_ms (%lld) and show some seconds later: it could be sent twice; "
               "write settle_seconds: %lld or more, or a shorter timeout_ms",
               target->name, (long long)target->settle_seconds, (long long)settings.timeout_ms,
               (long long)((needed_ms + 999) / 1000));
}
