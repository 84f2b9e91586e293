"""Rule files that change while a worker runs: a text that loads replaces the old one, any other is reported.

Every worker process looks at its files twice a second. A text is believed when two looks in a row have
found the same: an editor may be in the middle of writing.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connector import jobs
from connector.config import find_rule_files
from connector.errors import ConfigError, ConnectorError, Mistake
from connector.parts import Parts
from connector.permission import HELD_UNDER
from connector.rulebook import Account, LoadedFile, RuleBook, load_file, read_text, repeated
from connector.store import let_go, rule_files

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5
"""Seconds: a change is in force after a second, two at most."""

_Text = str | ConfigError


class RuleWatch:
    """The rule files of one process; `look` is called again and again."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seen: dict[str, str] = {}
        self._refused: dict[str, str] = {}

    def begin(self) -> None:
        """Tell which files are in force as this process starts."""
        self._tell(self._parts.rules.files)

    def look(self) -> None:
        """Put in force what has changed and loads; report what has changed and does not."""
        texts = self._texts()
        settled = {file for file, text in texts.items() if self._seen.get(file) == str(text)}
        self._seen = {file: str(text) for file, text in texts.items()}
        in_force = {each.file: each.text for each in self._parts.rules.files}
        changed = {file: texts[file] for file in settled if texts[file] != in_force.get(file)}
        for file in (settled - changed.keys()) & self._refused.keys():
            self._mended(file)
        fresh = {file: text for file, text in changed.items() if self._refused.get(file) != str(text)}
        if fresh:
            self._replace(fresh)

    def _texts(self) -> dict[str, _Text]:
        """The text of every file that is there or was; a mistake for one that cannot be read."""
        config = self._parts.config
        found = [file for pattern in config.rule_patterns for file in find_rule_files(config.file, pattern)]
        known = [Path(each.file) for each in self._parts.rules.files]
        return {str(file): _text(file) for file in dict.fromkeys([*known, *found])}

    def _replace(self, changed: dict[str, _Text]) -> None:
        loaded: dict[str, LoadedFile] = {}
        for file, text in changed.items():
            try:
                if isinstance(text, ConfigError):
                    raise text
                loaded[file] = self._load(file, text)
            except ConfigError as error:
                self._refuse(file, text, error)
        current = {each.file: each for each in self._parts.rules.files}
        files = tuple({**current, **loaded}.values())
        if mistakes := repeated(files):
            for file in loaded:
                self._refuse(file, changed[file], ConfigError(mistakes))
            return
        if loaded:
            self._tell(tuple(loaded.values()))
            self._parts.rules = RuleBook(files, self._parts.adapters)
            self._judge_again({each.rules.connection for each in loaded.values()})

    def _load(self, file: str, text: str) -> LoadedFile:
        """Load a text that changed. Raises ConfigError also where it names a stage that the account lacks.

        Such a rule would never call anybody, in place of one that does. Where the CRM is away nobody knows.
        """
        loaded = load_file(file, text, self._parts.adapters)
        connection = loaded.rules.connection
        for fresh in (False, True):  # a stage may be newer than what is remembered of the account
            try:
                account = Account(self._parts.catalog(connection, fresh=fresh))
                return load_file(file, text, self._parts.adapters, {connection: account})
            except ConfigError:
                if fresh:
                    raise
            except ConnectorError as error:
                log.warning("stages were not compared", extra={"file": file, "why": str(error)})
                break
        return loaded

    def _tell(self, files: tuple[LoadedFile, ...]) -> None:
        """Keep these texts and say that they are in force: before they are, so that no dispatch is without."""
        now = self._parts.clock()
        with self._parts.engine.begin() as conn:
            RuleBook(files, self._parts.adapters).remember(conn, now)
            for each in files:
                rules = each.rules
                rule_files.tell_in_force(conn, each.file, rules.connection, rules.version, now)
        for each in files:
            self._refused.pop(each.file, None)
            facts = {"file": each.file, "version": each.rules.version[:12], "rules": len(each.rules.rules)}
            log.info("rules are in force", extra=facts)

    def _judge_again(self, connections: Iterable[str]) -> None:
        """Every process does so once it has the new rules: what another one judged meanwhile, it judged by the old."""
        with self._parts.engine.begin() as conn:
            for connection in sorted(connections):
                let_go.look_again_held(conn, self._parts.clock(), connection, HELD_UNDER)
            jobs.nudge(conn, "pace")

    def _refuse(self, file: str, text: _Text, error: ConfigError) -> None:
        log.error("rules are refused; the old ones stay in force", extra={"file": file, "why": str(error)})
        with self._parts.engine.begin() as conn:
            rule_files.tell_refused(conn, file, str(error), self._parts.clock())
        self._refused[file] = str(text)

    def _mended(self, file: str) -> None:
        """The file has again the text that is in force."""
        self._tell(tuple(each for each in self._parts.rules.files if each.file == file))


def _text(file: Path) -> _Text:
    if not file.exists():
        found = "the file is gone; its rules stay in force until it is back or Stagecall starts again"
        return ConfigError([Mistake(str(file), 0, 0, "", found)])
    try:
        return read_text(file)
    except ConfigError as error:
        return error


@contextmanager
def watching(parts: Parts) -> Iterator[None]:
    """Look at the rule files for as long as the block runs."""
    watch = RuleWatch(parts)
    watch.begin()
    over = threading.Event()

    def run() -> None:
        while not over.wait(LOOK_EVERY):
            try:
                watch.look()
            except Exception:  # the database may be away: the next look tries again
                log.exception("the rule files were not looked at")

    thread = threading.Thread(target=run, name="rule-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
