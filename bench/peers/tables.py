# SPDX-License-Identifier: Apache-2.0
"""The report of run.py as Markdown."""


def number(value, digits=3):
    return "" if value is None else f"{value:.{digits}g}"


def error_text(record):
    if record.get("error") is None:
        return ""
    text = f"{record['error']:.4f}" if record["error"] > 1e-3 else f"{record['error']:.1e}"
    text += f" / {record['error_heart']:.4f}" if "error_heart" in record else ""
    return text + (f", objective {record['objective']:.1f}" if "objective" in record else "")


def tables(report):
    """Markdown of a report."""
    lines = [
        "| task | coils | threads | ours, s | fastest peer | s | ratio | target | error, ours : peer |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in report["ratios"]:
        note = (
            f"{r['percent_of_peak']:.0f} % of the peak"
            if "percent_of_peak" in r
            else (f"{error_text({'error': r['error']})} : {error_text({'error': r['peer_error']})}")
        )
        lines.append(
            f"| {r['what']} | {r['coils']} | {r['threads']} | {number(r['ours'])} | {r['peer']} | "
            f"{number(r['peer_seconds'])} | {'**' if r['ratio'] < r['target'] else ''}{r['ratio']:.1f}"
            f"{'**' if r['ratio'] < r['target'] else ''}{'*' if r['disturbed'] else ''} | >= {r['target']} | {note} |"
        )
    lines += [
        "",
        "| task | coils | contender | seconds, by threads | processor seconds | peak MiB | error | n |",
        "|---|---|---|---|---|---|---|---|",
    ]
    keys = dict.fromkeys((r["case"], r["coils"], r["contender"]) for r in report["runs"])
    for case, coils, contender in keys:
        these = [
            r
            for r in report["runs"]
            if (r["case"], r["coils"], r["contender"]) == (case, coils, contender)
        ]
        reason = next((r["not_run"] for r in these if "not_run" in r), None)
        done = [r for r in these if "median" in r]
        if not done:
            lines.append(f"| {case} | {coils} | {contender} | not run: {reason} | | | | |")
            continue
        kind = "" if done[0]["kind"] == "call" else " (process)"
        lines.append(
            f"| {case} | {coils} | {contender}{kind} | "
            + " / ".join(number(r["median"]) + ("*" if r["disturbed"] else "") for r in done)
            + " | "
            + " / ".join(number(r["cpu_median"]) for r in done)
            + f" | {max(r['peak_mib'] for r in done):.0f} | "
            + error_text(done[0])
            + " | "
            + "/".join(str(r["n"]) for r in done)
            + (", first call" if any("note" in r for r in done) else "")
            + " |"
        )
    if report["memory"]:
        lines += [
            "",
            "| peak memory of CG-SENSE | coils | threads | MiB | data + maps + 6 images, MiB |",
            "|---|---|---|---|---|",
        ]
        for m in report["memory"]:
            over = "**" if m["peak_mib"] > m["allowed_mib"] else ""
            what = {"program": "`cardiomm recon`", "call": "a process that calls the library"}[
                m["process"]
            ]
            lines.append(
                f"| {what} | {m['coils']} | {m['threads']} | {over}{m['peak_mib']:.0f}{over} | {m['allowed_mib']:.0f} |"
            )
    return "\n".join(lines)


def context_line(report):
    """What the figures depend on, in a sentence."""
    c = report["context"]
    versions = ", ".join(
        f"{name} {version.removeprefix('v')}".replace("BART 0.8 ", "BART ").replace(
            "BART 1.0 ", "BART "
        )
        for name, version in c["versions"].items()
        if version
    )
    return (
        f"{c['date']}, commit {c['git']}, {c['cpu']}, {c['cores']} cores, {c['compiler']}; "
        f"{'quick run, ' if c['quick'] else ''}medians of {c['repetitions']} repetitions where n says no less; {versions}."
    )
