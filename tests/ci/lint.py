#!/usr/bin/env python3
"""Checks workflows of GitHub and GitLab as far as that goes without them.

The YAML is read; every script goes through ShellCheck; no expression is pasted into a script (it would be run); every job that is
waited for exists; every action has a version; every use of icp-restore is one that the program accepts, flag by flag.

Usage: lint.py PROGRAM FILE...
"""
import re
import shlex
import subprocess
import sys
import tempfile

import yaml

problems = []


def bad(file, where, what):
    problems.append(f"{file}: {where}: {what}")


def unique(loader, node, deep=False):
    """YAML lets a key stand there twice, and keeps the last."""
    keys = [loader.construct_object(key, deep=deep) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.YAMLError(f"{key!r} stands there twice, line {node.start_mark.line + 1}")
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


class Loader(yaml.SafeLoader):
    pass


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, unique)


def shell(file, where, script):
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as out:
        out.write("#!/usr/bin/env bash\nset -eo pipefail\n" + script)
        out.flush()
        # SC2154: variables come from the job's environment.
        found = subprocess.run(["shellcheck", "-x", "-e", "SC2154", out.name], capture_output=True, text=True)
    if found.returncode:
        bad(file, where, found.stdout)


def flags(file, where, program, script):
    """Every command line of ours must be one that the program knows."""
    joined = script.replace("\\\n", " ")
    for line in joined.splitlines():
        if not re.match(r"\s*icp-restore ", line):
            continue
        words = shlex.split(re.sub(r"[;|>].*", "", re.sub(r"\d?>.*|\|\|.*", "", line)))
        verb, used = words[1], [word for word in words[2:] if word.startswith("--")]
        if verb == "run" and "--until" in script and not re.search(r'"\$status" -eq 9\b', script):
            bad(file, where, "a run `--until` ends with 9, which this takes for a failure")
        helped = subprocess.run([program, verb, "--help"], capture_output=True, text=True)
        if helped.returncode:
            bad(file, where, f"no such verb: {verb}")
        for flag in used:
            if not re.search(re.escape(flag) + r"\b", helped.stdout):
                bad(file, where, f"`icp-restore {verb}` has no {flag}")


def github(file, program, data):
    on = data.get("on", data.get(True))
    if not on:
        bad(file, "on", "never runs")
    if "permissions" not in data:
        bad(file, "permissions", "not stated")
    for name, job in data["jobs"].items():
        needs = job.get("needs", [])
        for need in [needs] if isinstance(needs, str) else needs:
            if need not in data["jobs"]:
                bad(file, name, f"waits for {need}, which is no job")
        if "uses" in job:
            continue
        if "timeout-minutes" not in job and "strategy" not in job:
            bad(file, name, "has no timeout")
        ids = {step.get("id") for step in job["steps"]}
        for index, step in enumerate(job["steps"]):
            where = f"{name}, step {index + 1}"
            if ("run" in step) == ("uses" in step):
                bad(file, where, "is neither a script nor an action")
            if "uses" in step and not step["uses"].startswith("./") and not re.search(r"@(v\d|[0-9a-f]{40})", step["uses"]):
                bad(file, where, f"{step['uses']} has no version")
            for used in re.findall(r"steps\.(\w+)\.", str(step)):
                if used not in ids:
                    bad(file, where, f"there is no step {used}")
            if "run" in step:
                if "${{" in step["run"]:
                    bad(file, where, "an expression is pasted into a script: pass it by env")
                shell(file, where, step["run"])
                flags(file, where, program, step["run"])


def gitlab(file, program, data):
    stages = data["stages"]
    for name, job in data.items():
        if name in ("stages", "variables", "default"):
            continue
        if job.get("stage") not in stages:
            bad(file, name, f"is of no stage: {job.get('stage')}")
        for part in ("before_script", "script", "after_script"):
            lines = job.get(part, [])
            if not all(isinstance(line, str) for line in lines):
                bad(file, name, f"{part} holds something else than text")
                continue
            if lines:
                shell(file, f"{name}, {part}", "\n".join(lines))
                flags(file, f"{name}, {part}", program, "\n".join(lines))


def main():
    program, files = sys.argv[1], sys.argv[2:]
    for file in files:
        try:
            with open(file, encoding="utf-8") as text:
                data = yaml.load(text, Loader)
        except yaml.YAMLError as error:
            bad(file, "YAML", error)
            continue
        (gitlab if "stages" in data else github)(file, program, data)
    print("\n".join(problems) or f"{len(files)} files, nothing is wrong")
    sys.exit(1 if problems else 0)


main()
