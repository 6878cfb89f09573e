# SPDX-License-Identifier: Apache-2.0
# The bench's table. Lines: work|who|can|records|resources|wall user system peak peak peak. Several lines of one work
# and who are tries of one measurement: the one with the median of the seconds stands for them.

function sort_tries(key, n,    i, k, held) {
    for (i = 2; i <= n; i++) {
        held = try[key, i]
        for (k = i - 1; k > 0 && wall(try[key, k]) > wall(held); k--)
            try[key, k + 1] = try[key, k]
        try[key, k + 1] = held
    }
}

function wall(line,    f, t) {
    split(line, f, "|")
    split(f[6], t, " ")
    return t[1] + 0
}

function mib(kib) {
    return kib > 0 ? sprintf("%.1f", kib / 1024) : "-"
}

{
    key = $1 "|" $2
    if (!(key in tries))
        order[++rows] = key
    try[key, ++tries[key]] = $0
}

END {
    for (i = 1; i <= rows; i++) {
        key = order[i]
        sort_tries(key, tries[key])
        split(try[key, int((tries[key] + 1) / 2)], f, "|")
        split(f[6], t, " ")
        seconds = t[1] > 0.01 ? t[1] : 0.01
        cpu = t[2] + t[3] > 0.01 ? t[2] + t[3] : 0.01
        work[i] = f[1]; who[i] = f[2]; can[i] = f[3]; count[i] = f[5]; took[i] = t[1]; cost[i] = t[2] + t[3]
        rps[i] = f[5] / seconds; rpc[i] = f[5] / cpu
        peak[i] = mib(t[4]) " " mib(t[5]) " " mib(t[6])
        if (f[2] ~ /^iptfhir/ && !(f[1] in own_rps)) {
            own_rps[f[1]] = rps[i]
            own_rpc[f[1]] = rpc[i]
        }
    }
    printf "\n%-13s %-22s %-10s %9s %8s %8s %12s %12s %8s %8s  %s\n", "work", "who", "sink can", "resources", "seconds",
        "CPU s", "resources/s", "per CPU s", "us/s", "us/CPU", "peak MiB"
    for (i = 1; i <= rows; i++) {
        own = who[i] ~ /^(iptfhir|ingest)/
        ratio = (work[i] in own_rps) && !own ? sprintf("%.2fx", own_rps[work[i]] / rps[i]) : "-"
        per_cpu = (work[i] in own_rpc) && !own ? sprintf("%.2fx", own_rpc[work[i]] / rpc[i]) : "-"
        printf "%-13s %-22s %-10s %9d %8.2f %8.2f %12.0f %12.0f %8s %8s  %s\n", work[i], who[i], can[i], count[i],
            took[i], cost[i], rps[i], rpc[i], ratio, per_cpu, peak[i]
    }
    for (i = 1; i <= rows; i++) {
        if (who[i] ~ /^ingest/)
            ingest[work[i]] = i
        if (who[i] == "Node script" && (work[i] in ingest))
            printf "%s: ingest on its threads makes %.2f times as many resources as Node per second, %.2f times per CPU second.\n",
                work[i], rps[ingest[work[i]]] / rps[i], rpc[ingest[work[i]]] / rpc[i]
    }
    print ""
    print "weekly: a PHQ-9 row to its resources; full: a whole record; ingest: the same in the process that does it in a sync, on"
    print "its threads. singles: creates one by one over HTTP/1.1 or 2, each attempt on disk before it leaves; transactions: the"
    print "same in bundles; file: the same to an NDJSON file, on disk: all from the table to the sink, through the store."
    print "us/s and us/CPU: how many times what that line does iptfhir (its first line) does, per second and per CPU second."
    print "sink can: C conditional create, T transaction. CPU s: of all processes of that line, without the sink's."
    print "peak MiB: of the command, and of iptfhir's delivery and ingest. Of several tries the median of the seconds."
}
