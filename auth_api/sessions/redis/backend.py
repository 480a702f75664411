"""Calls Redis for the engine: the key names, and one method per script."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import structlog
from redis.exceptions import NoScriptError, ResponseError

from auth_api.sessions.exceptions import EndReason, SessionStoreUnavailable
from auth_api.sessions.redis.answers import (
    Absent,
    ClockDiffers,
    Conflict,
    Consumed,
    Creation,
    Ended,
    LimitReached,
    NeedsSnapshot,
    Save,
    Stored,
    TokenTaken,
    Valid,
    Validation,
)
from auth_api.sessions.redis.connections import (
    ask,
    ask_durably,
    ask_each,
    leave_former_primary,
    require_durability,
)
from auth_api.sessions.redis.held import OUTAGE, RUN, RUN_BYTES
from auth_api.sessions.redis.keys import index_key, mark_key, pending_key, record_key, snapshot_key
from auth_api.sessions.redis.lua import Script, load_scripts
from auth_api.sessions.redis.revocations import announce_revoked

_DELETE_BATCH = 500
_REPORT_PAUSE = 60.0  # seconds between two warnings of this process that slides are refused
NEWER_RELEASE = "record of a newer release"  # why a session is unknown
# Errors of a script on a key of another type, a value that is too short, or a stamp that is not a number.
_DAMAGE = re.compile("WRONGTYPE|data string too short|attempt to ")
_log = structlog.get_logger("auth_api.sessions")


class NewSnapshot(NamedTuple):
    """What `put_snapshots` stores for one user; the fields are the arguments of `put_snapshot`."""

    ref: str
    snapshot: bytes
    run: bytes
    nonce: bytes


class _Call(NamedTuple):
    """One run of a script for one user."""

    ref: str
    keys: tuple[str, ...]
    arguments: tuple[Any, ...]


class RedisBackend:
    """Runs the engine's scripts.

    Every method is one command to Redis unless it says otherwise, and raises
    SessionStoreUnavailable when Redis cannot answer: that is "unknown", never "invalid". Methods
    that end a session announce it afterwards.

    *Durable* methods return only after GATEHOUSE_REDIS_REPLICAS replicas have acknowledged the
    write and, with GATEHOUSE_REDIS_FSYNC, the primary's disk has it. These are the methods that
    create, change or end a session, and `fence_snapshot`, which precedes ending sessions in the
    database. Not durable: validation, which only moves the idle clock; snapshots, which can be
    rebuilt from the database; and the deletion of ended sessions.
    """

    def __init__(self) -> None:
        self._scripts = load_scripts()
        self._report_slides_after = 0.0

    def validate(self, ref: str, id_hash: str, *, slide_interval: int, admin: bool) -> Validation:
        """Check one session and slide its idle clock; `slide_interval` in seconds, 0 = do not slide.

        A server that refuses to slide has answered nevertheless.
        """
        keys = (record_key(ref, id_hash), index_key(ref), snapshot_key(ref))
        arguments = (id_hash, slide_interval, int(admin))
        state, *values = self._run("validate", keys, arguments)
        if len(values) > 3 and leave_former_primary(values[3]):
            state, *values = self._run("validate", keys, arguments)
        if len(values) > 3:
            self._report_refused_slide(values[3])
        if state == b"valid":
            return Valid(values[0], values[1] and values[1][:-RUN_BYTES], values[2])
        if state == b"unsure":
            return NeedsSnapshot(values[0], values[1], values[2])
        return _not_alive(state)

    def create(
        self, ref: str, id_hash: str, header: bytes, body: bytes, *, limit: int, policy: str, snapshot: bytes,
        snapshot_lifetime: int, run: bytes, pending: str = "",
    ) -> Creation:  # fmt: skip
        """Add a record, its index entry and its snapshot in one durable step; delete what the limit ended.

        `run` is one that was known before the user's row was read; in another the snapshot is not
        stored. `pending` is the id hash of the pending sign-in that the session completes: it is used up in
        the same step, or there is no session.
        """
        completed = (pending_key(ref, pending),) if pending else ()
        keys = (record_key(ref, id_hash), index_key(ref), snapshot_key(ref), *completed)
        arguments = (header, body, id_hash, limit, policy, snapshot, snapshot_lifetime, run)
        state, *values = self._run("create", keys, arguments, durable=ref)
        if state != b"ok":
            return _REFUSALS[state]
        record, *ended = values
        if ended:  # over the limit: others had to go
            self._discard(ref, ended)
            announce_revoked(ref, kept=id_hash)
        return Stored(record)

    def save(
        self, ref: str, id_hash: str, revision: int, header: bytes, body: bytes, *, new_id_hash: str,
        is_use: bool = True,
    ) -> Save:  # fmt: skip
        """Replace a live record, durably; under `new_id_hash` if it differs (a renewed token).

        `is_use` False leaves the idle clock alone.
        A renewal invalidates the old token before the client has the new one. So it first checks
        that writes are acknowledged: an outage of replicas signs nobody out.
        """
        if new_id_hash != id_hash:
            with _unknown_on_failure():
                require_durability(mark_key(ref))
        keys = (
            record_key(ref, id_hash), index_key(ref), snapshot_key(ref), record_key(ref, new_id_hash),
        )  # fmt: skip
        arguments = (id_hash, revision, header, body, new_id_hash, int(is_use))
        state, *values = self._run("save", keys, arguments, durable=ref)
        if state == b"conflict":
            return Conflict(values[0])
        if state == b"clock":
            return ClockDiffers()
        if state != b"ok":
            return _not_alive(state)
        if new_id_hash != id_hash:
            announce_revoked(ref, id_hash=id_hash, renewed=new_id_hash)
        return Stored(values[0])

    def end(self, ref: str, id_hash: str, *, renewed: str = "") -> bool:
        """End one session, durably; it continues as `renewed` if given. Return False if there was none."""
        keys = (record_key(ref, id_hash), index_key(ref))
        ended = bool(self._run("end", keys, (id_hash,), durable=ref))
        if ended:
            announce_revoked(ref, id_hash=id_hash, renewed=renewed)
        return ended

    def end_by_handle(self, ref: str, handle: str) -> bool:
        """End the session with `handle`, durably; then delete its record."""
        id_hash = self._run("end_by_handle", (index_key(ref),), (handle,), durable=ref)
        if id_hash:
            self._discard(ref, [id_hash])
            announce_revoked(ref, id_hash=id_hash.decode())
        return bool(id_hash)

    def end_others(self, ref: str, id_hash: str) -> int | None:
        """End all other sessions of the user, durably; return None if this one is not live itself."""
        keys = (record_key(ref, id_hash), index_key(ref), snapshot_key(ref))
        state, *ended = self._run("end_others", keys, (id_hash,), durable=ref)
        if state != b"ok":
            _not_alive(state)
            return None
        if ended:
            self._discard(ref, ended)
            announce_revoked(ref, kept=id_hash)
        return len(ended)

    def erase(self, ref: str) -> None:
        """Delete the records and the index of a user whose sessions are over."""
        ended = self._run("erase", (index_key(ref),), ())
        self._discard(ref, ended)

    def live_id_hashes(self, ref: str) -> list[str]:
        """The id hashes of a user's sessions, soonest to expire first."""
        return [member.decode() for member in self._run("list", (index_key(ref),), ())]

    def live_id_hashes_of(self, refs: Sequence[str]) -> list[list[str]]:
        """`live_id_hashes` for many users, in one go."""
        found = self._run_each("list", [_Call(ref, (index_key(ref),), ()) for ref in refs])
        return [[member.decode() for member in members] for members in found]

    def count(self, ref: str) -> int:
        """How many sessions of a user live by their clocks; costs the same for one and for 10,000."""
        counted: int = self._run("count", (index_key(ref),), ())
        return counted

    def counts(self, refs: Sequence[str]) -> list[int]:
        """`count` for many users, in one go."""
        return self._run_each("count", [_Call(ref, (index_key(ref),), ()) for ref in refs])

    def records(self, ref: str, id_hashes: Sequence[str]) -> list[bytes | None]:
        """The stored records, None where one is gone."""
        if not id_hashes:
            return []
        with _unknown_on_failure():
            found: list[bytes | None] = ask("MGET", *(record_key(ref, i) for i in id_hashes))
        return found

    def exists(self, ref: str, id_hash: str) -> bool:
        """Whether a record is stored, whatever its times say."""
        with _unknown_on_failure():
            return bool(ask("EXISTS", record_key(ref, id_hash)))

    def pend(self, ref: str, id_hash: str, value: bytes, *, lifetime: int) -> bool:
        """Store a pending sign-in for `lifetime` seconds; return False if its epoch is over."""
        keys = (pending_key(ref, id_hash), index_key(ref), snapshot_key(ref))
        return bool(self._run("pend", keys, (value, lifetime)) == [b"ok"])

    def try_pending(self, ref: str, id_hash: str) -> tuple[bytes, int] | None:
        """Take one try of a pending sign-in; return its body and the tries left, None if there is none."""
        keys = (pending_key(ref, id_hash), index_key(ref), snapshot_key(ref))
        state, *values = self._run("try_pending", keys, ())
        return (values[0], values[1]) if state == b"ok" else None

    def give_try_back(self, ref: str, id_hash: str) -> None:
        """Return a try that nobody judged."""
        self._run("give_try_back", (pending_key(ref, id_hash),), ())

    def drop_pending(self, ref: str, id_hash: str) -> None:
        """Delete a pending sign-in; quiet when there is none."""
        with _unknown_on_failure():
            ask("UNLINK", pending_key(ref, id_hash))

    def fence_snapshot(self, ref: str, nonce: bytes, *, lifetime: int) -> bytes:
        """Make validations of this user ask the database, durably, for at most `lifetime` seconds.

        Return the store's run in which the fence stands.
        """
        arguments = (nonce, lifetime)
        run: bytes = self._run("fence_snapshot", (snapshot_key(ref),), arguments, durable=ref)
        return run

    def fence_snapshots(self, nonces: Sequence[tuple[str, bytes]], *, lifetime: int) -> list[bytes]:
        """`fence_snapshot` for many users, durably and in one go: pairs of ref and nonce."""
        if len(nonces) == 1:
            [(ref, nonce)] = nonces
            return [self.fence_snapshot(ref, nonce, lifetime=lifetime)]
        calls = [_Call(ref, (snapshot_key(ref),), (nonce, lifetime)) for ref, nonce in nonces]
        return self._run_each("fence_snapshot", calls, durable=True)

    def put_snapshot(
        self, ref: str, snapshot: bytes, *, lifetime: int, run: bytes, nonce: bytes = b""
    ) -> bool:
        """Cache a snapshot for `lifetime` seconds; `nonce` lifts the writer's own fence.

        `run` is the store's, known before the user's row was read: in another run a fence may be lost,
        so nothing is stored then. Return whether it is stored.
        """
        keys = (snapshot_key(ref), index_key(ref))
        return bool(self._run("put_snapshot", keys, (snapshot, lifetime, nonce, run)))

    def put_snapshots(self, new: Sequence[NewSnapshot], *, lifetime: int) -> None:
        """`put_snapshot` for many users, in one go."""
        if len(new) == 1:
            [(ref, snapshot, run, nonce)] = new
            self.put_snapshot(ref, snapshot, lifetime=lifetime, run=run, nonce=nonce)
            return
        calls = [
            _Call(ref, (snapshot_key(ref), index_key(ref)), (snapshot, lifetime, nonce, run))
            for ref, snapshot, run, nonce in new
        ]
        self._run_each("put_snapshot", calls)

    def now(self, ref: str) -> int:
        """Return the time of the node that keeps `ref`, in Unix seconds: the engine's only clock."""
        seconds: int = self._run("time", (index_key(ref),), ())
        return seconds

    def ping(self) -> None:
        """Raise SessionStoreUnavailable when Redis does not answer."""
        with _unknown_on_failure():
            ask("PING")

    def _discard(self, ref: str, id_hashes: Sequence[bytes]) -> None:
        for start in range(0, len(id_hashes), _DELETE_BATCH):
            batch = id_hashes[start : start + _DELETE_BATCH]
            with _unknown_on_failure():
                ask("UNLINK", *(record_key(ref, i.decode()) for i in batch))

    def _run(
        self, name: str, keys: tuple[str, ...], arguments: tuple[Any, ...], *, durable: str = ""
    ) -> Any:
        """Run a script; with `durable` (a user's ref), wait until replicas and disk have its effects."""
        script, arguments = self._scripts[name], (*arguments, RUN)
        send = partial(ask_durably, mark_key(durable)) if durable else ask
        try:
            try:
                return send("EVALSHA", script.sha, len(keys), *keys, *arguments)
            except NoScriptError:  # a restarted or failed-over server
                return send("EVAL", script.text, len(keys), *keys, *arguments)
        except ResponseError as error:
            if not _DAMAGE.search(str(error)):  # a refusal
                raise SessionStoreUnavailable(type(error).__name__) from error
            return self._repair(send, script, keys, arguments)
        except OUTAGE as error:  # by hand: a context manager costs too much here
            raise SessionStoreUnavailable(type(error).__name__) from error

    def _run_each(self, name: str, calls: Sequence[_Call], *, durable: bool = False) -> list[Any]:
        """Run a script for many users in one batch; what fails in it (a moved slot, for example) is run again alone.

        Nodes of a cluster that do not have the script yet need one more batch each.
        """
        if not calls:
            return []
        script, marks = self._scripts[name], [mark_key(call.ref) for call in calls]
        # The first command carries the script, so its server has it for the others.
        verbs = (("EVAL", script.text), *(("EVALSHA", script.sha),) * (len(calls) - 1))
        commands = [
            (*verb, len(call.keys), *call.keys, *call.arguments, RUN)
            for verb, call in zip(verbs, calls, strict=True)
        ]
        with _unknown_on_failure():
            answers = ask_each(marks, commands, durable=durable)
        unknown = [place for place, each in enumerate(answers) if isinstance(each, NoScriptError)]
        again = self._run_each(name, [calls[place] for place in unknown], durable=durable)
        for place, answer in zip(unknown, again, strict=True):
            answers[place] = answer
        for place, (ref, keys, arguments) in enumerate(calls):
            if isinstance(answers[place], Exception):
                alone = ref if durable else ""
                answers[place] = self._run(name, keys, arguments, durable=alone)
        return answers

    def _repair(
        self, send: Any, script: Script, keys: tuple[str, ...], arguments: tuple[Any, ...]
    ) -> Any:
        """Delete values that no release has written, and run the failed script again."""
        with _unknown_on_failure():
            deleted = ask("EVAL", self._scripts["repair"].text, len(keys), *keys)
            if deleted:
                _log.error("store.repaired", deleted=deleted, at=keys[0])
            return send("EVAL", script.text, len(keys), *keys, *arguments)

    def _report_refused_slide(self, error: bytes) -> None:
        now = time.monotonic()
        if now < self._report_slides_after:
            return
        self._report_slides_after = now + _REPORT_PAUSE
        hint = "Sessions will end at their idle timeout. Make Redis accept writes: check its memory, disk and replicas."
        _log.warning("slide.refused", cause=error.decode(errors="replace"), hint=hint)


# Why `create` refuses.
_REFUSALS: dict[bytes, Creation] = {
    b"exists": TokenTaken(),
    b"refused": LimitReached(),
    b"clock": ClockDiffers(),
    b"epoch": Ended(EndReason.EPOCH),
    b"consumed": Consumed(),
}


def _not_alive(state: bytes) -> Ended | Absent:
    """Return what a script says of a session that is not alive.

    Raises SessionStoreUnavailable for a record of a newer release: this one cannot judge it.
    """
    if state == b"none":
        return Absent()
    if state == b"newer":
        raise SessionStoreUnavailable(NEWER_RELEASE)
    return Ended(EndReason(state.decode()))


@contextmanager
def _unknown_on_failure() -> Iterator[None]:
    try:
        yield
    except OUTAGE as error:
        raise SessionStoreUnavailable(type(error).__name__) from error


backend = RedisBackend()
