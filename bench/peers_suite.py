# SPDX-License-Identifier: Apache-2.0
"""The peers (BART, bartorch, SigPy, MRpro, PyTorch) as one more suite of run.py, where they are.

`./dev bench --peers` installs them into the build folder; a plain run uses what it finds there and
downloads nothing.
"""

import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def missing(args):
    """Why the peers cannot run here, or nothing."""
    peers = os.path.join(args.build, "peers")
    if not os.path.exists(os.path.join(peers, "venv/complete")):
        return "not installed; ./dev bench --peers does it"
    shared = os.environ.get("CARDIOMM_SHARED") or os.path.join(ROOT, "..", "shared")
    made = os.path.exists(os.path.join(peers, "data/info.json"))
    if not made and not os.path.exists(os.path.join(shared, "tools/peers/gen_data.py")):
        return "no data, and no $CARDIOMM_SHARED/tools/peers to make them"
    if not os.access(os.path.join(args.build, "bin/peers_ours"), os.X_OK):
        return "our half (peers_ours) is not built"
    return None


def entries_of(report):
    """The repetitions of a report of peers/run.py as entries of ours."""
    for run in report["runs"]:
        case = re.sub(r"[^\w.+-]+", "_", run["case"]).strip("_")
        who = re.sub(r"[^\w.+-]+", "_", run["contender"]).strip("_")
        name = f"peers/{case}/coils:{run['coils']}/threads:{run['threads']}/{who}"
        for i, seconds in enumerate(run.get("seconds", [])):
            yield {
                "name": name,
                "run_name": name,
                "layer": "peers",
                "suite": case,
                "round": i,  # contenders take turns
                "run_type": "iteration",
                "repetition_index": i,
                "threads": run["threads"],
                "iterations": 1,
                "real_time": seconds,
                "cpu_time": run["cpu"][i],
                "time_unit": "s",
                "ours": run["ours"],
                **({"error": run["error"]} if run.get("error") is not None else {}),
                "peak_mib": run["peak_mib"],
            }


def add_peers(report, args, scratch, say):
    """Runs them where they are installed; their repetitions go into the report."""
    only = "."
    if args.filter:
        asked = re.match(r"\^?peers/?(.*)$", args.filter)
        if not asked:
            return
        only = asked.group(1) or "."
    if args.no_peers:
        report["peers"] = {"not_run": "left out (--no-peers)"}
        return
    reason = missing(args)
    if reason:
        report["peers"] = {"not_run": reason}
        say(f"   peers: {reason}")
        return
    out = os.path.join(scratch, "peers.json")
    command = [sys.executable, os.path.join(HERE, "peers/run.py"), "--build", args.build]
    command += ["--out", out, "--sid", args.sid]
    if args.quick:
        command += ["--quick", "--threads", str(args.threads or os.cpu_count() or 1)]
        only = "^(sense|espirit)_10$" if only == "." else only
    elif args.threads:
        command += ["--threads", str(args.threads)]
    found = subprocess.run(command + ["--only", only], stdout=subprocess.DEVNULL)
    if not os.path.exists(out):
        reason = f"bench/peers/run.py ended with status {found.returncode}"
        report["peers"] = {"not_run": reason}
        report["failed"].append({"suite": "peers", "reason": reason})
        return
    with open(out, encoding="utf-8") as f:
        peers = json.load(f)
    report["benchmarks"] += entries_of(peers)
    report["peers"] = {"context": peers["context"], "ratios": peers["ratios"]}
    if found.returncode:
        reason = "some of ours did not run, see above"
        report["failed"].append({"suite": "peers", "reason": reason})
