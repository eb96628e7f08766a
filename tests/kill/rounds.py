# SPDX-License-Identifier: Apache-2.0
"""One round: a victim under loads is killed, started again, and checked."""

import os
import random
import shutil
import subprocess
import time

from tests.kill import loads
from tests.support import mounting

# Runs each command beside the others; what it said, its pid and its exit status are in files.
COMMAND = "(sh -c 'echo $$ >{file}.pid; exec \"$@\"' sh {command} >{file} 2>&1; echo $? >{file}.status) &\n"


class Round:
    """One round of a victim."""

    def __init__(self, victim, name, seed, step):
        self.victim = victim
        self.random = random.Random(f"{seed} {victim.name} {step}")
        self._place = victim.path(f"round.{step}")
        os.mkdir(self._place)
        classes, _program = loads.LOADS[name]
        self.loads = [load(victim, self.random, self._place) for load in classes]

    def _run(self):
        """Starts all commands of all loads, and waits until enough is done; (process, {name of a command: its load})."""
        script, owners = "", {}
        for load in self.loads:
            for name, command in load.commands():
                script += COMMAND.format(file=load.path(name), command=command)
                owners[name] = load
        process = self.victim.run(script + "wait\n")
        for load in self.loads:
            load.begin()
        goals = [(load, load.target()) for load in self.loads]
        end = time.monotonic() + mounting.PATIENCE
        while any(load.progress() < goal for load, goal in goals) and process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"stuck at {[(load.progress(), goal) for load, goal in goals]}")
            time.sleep(0.001)
        time.sleep(self.random.random() * 0.003)
        if process.poll() is not None:
            self._look_at_commands(owners)
            raise AssertionError("all commands ended before the kill")
        return process, owners

    def _look_at_commands(self, owners):
        for name, load in owners.items():
            status = None
            if os.path.exists(load.path(name) + ".status"):
                with open(load.path(name) + ".status", encoding="ascii") as file:
                    status = int(file.read())
            load.ended(name, status)

    def _end(self, process, owners):
        """Waits for the end of the commands."""
        if self.victim.survives:
            # It was killed, and those who use it go on.
            before = self.loads[-1].progress()
            mounting.wait_until(lambda: self.loads[-1].progress() > before or process.poll() is not None)
            for load in self.loads:
                load.end()
        try:
            process.communicate(timeout=mounting.PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise AssertionError("a command hangs although its victim is dead") from error
        self._look_at_commands(owners)
        for load in self.loads:
            load.done()

    def play(self):
        """Load, kill, start, check."""
        self.check(self.kill())

    def kill(self):
        """Load and kill; the configuration that is left on the media, or None if something still uses it."""
        process, owners = self._run()
        self.victim.kill()
        self._end(process, owners)
        seen = self.victim.look()
        if seen is None:
            return None
        configuration, unsound = seen
        unsound = [
            finding for name, finding in unsound if not any(load.excuses(name, configuration) for load in self.loads)
        ]
        if unsound:
            raise AssertionError(f"the kill left {unsound}")
        return configuration

    def check(self, before):
        """Starts the victim again, and checks everything."""
        self.victim.start()
        checks = [command for load in self.loads for command in load.checks()]
        self.victim.use("status=0\n" + "".join(f"{command} || status=1\n" for command in checks) + "exit $status")
        after = self.victim.configuration()
        for load in self.loads:
            load.verify(before, after)
        shutil.rmtree(self._place)
