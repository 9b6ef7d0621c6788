# SPDX-License-Identifier: Apache-2.0
"""launch.py REPORT COMMAND...: runs a command and writes its seconds, processor time, peak memory
and exit code into REPORT. A process of its own, because a child's peak starts with its parent's size.
"""

import json
import os
import sys
import time

begun = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
seconds = time.perf_counter() - begun
with open(sys.argv[1], "w") as report:
    json.dump(
        {
            "seconds": seconds,
            "cpu": used.ru_utime + used.ru_stime,
            "peak_mib": used.ru_maxrss / 1024,
            "code": os.waitstatus_to_exitcode(status),
        },
        report,
    )
