/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines on stderr, levels by severity; nothing that identifies a patient goes through here. */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include <iptfhir/plugin.h>
#include <stdarg.h>

/* Lines below `level` are dropped; `process` ("ingest", "delivery", NULL) prefixes them. Call
 * before threads start. */
void log_setup(iptfhir_level level, const char *process);
/* One line: UTC time, level, process, text; written with one write(2), so lines of processes don't
 * mix. Thread-safe. */
void log_line(iptfhir_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_vline(iptfhir_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Sets the key that names records in logs (32 bytes from the store), and writes the name of a
 * record id. */
void log_set_key(const unsigned char key[32]);
const char *log_name(const char *record_id, char out[17]);
#endif
