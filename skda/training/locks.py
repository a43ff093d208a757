"""Locks that are free in a forked process; one hands over in the order of the requests."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque

__all__ = ["TURN", "Turn", "new_lock"]


class Turn:
    """A reentrant lock that goes to the thread that has waited longest.

    Attributes
    ----------
    depth : int
        How often the thread that holds the lock took it.
    """

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.waiting: deque[tuple[int, threading.Lock]] = deque()
        self.owner: int | None = None
        self.depth = 0

    def acquire(self) -> None:
        """Wait for the turn of this thread."""
        me, bell = threading.get_ident(), threading.Lock()
        with self.mutex:
            if self.owner in (None, me):
                self.owner = me
                self.depth += 1
                return
            bell.acquire()
            self.waiting.append((me, bell))
        try:
            bell.acquire()
        except BaseException:  # Ctrl-C: the turn must not go to a thread that has ended
            with self.mutex:
                handed_over = (me, bell) not in self.waiting
                if not handed_over:
                    self.waiting.remove((me, bell))
            if handed_over:
                self.release()
            raise

    def release(self) -> None:
        """Hand over to the thread that has waited longest, if any."""
        with self.mutex:
            self.depth -= 1
            if self.depth:
                return
            self.owner = None
            if self.waiting:
                self.owner, bell = self.waiting.popleft()
                self.depth = 1
                bell.release()


# torch draws initial weights and dropout masks from one generator per process, so two threads
# that train at once (joblib's "threading" backend) would take numbers from each other
TURN = Turn()

_REGISTRY = threading.Lock()
_LOCKS: weakref.WeakSet[threading.RLock] = weakref.WeakSet()
_held: list[threading.RLock] = []


def new_lock() -> threading.RLock:
    """Return a lock that no fork leaves locked in the child."""
    lock = threading.RLock()
    with _REGISTRY:
        _LOCKS.add(lock)
    return lock


def _before_fork() -> None:
    # a child inherits the memory as it is, so all other threads must have finished their changes
    TURN.acquire()
    _REGISTRY.acquire()
    _held.extend(_LOCKS)
    for lock in _held:
        lock.acquire()
    TURN.mutex.acquire()


def _after_fork() -> None:
    TURN.mutex.release()
    for lock in _held:
        lock.release()
    _held.clear()
    _REGISTRY.release()
    TURN.release()


def _after_fork_in_child() -> None:
    TURN.waiting.clear()  # a child has the forking thread alone
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_after_fork_in_child,
    )
