import hashlib
import http.server
import re
import signal
import socket
import subprocess
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest

from skda.datasets._fetch import DataStore, RemoteFile, get_data_home, github_files, read_npz

pooch = pytest.importorskip("pooch")

CONTENT = np.random.default_rng(0).bytes(200_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ROOT = Path(__file__).parents[2]
# imports the module alone, because importing the package imports torch, which takes seconds
FETCH_IN_PROCESS = """
import sys, types
root, url, sha256, home = sys.argv[1:]
for name in ("skda", "skda.datasets"):
    sys.modules[name] = package = types.ModuleType(name)
    package.__path__ = ["/".join([root, *name.split(".")])]
from skda.datasets._fetch import DataStore, RemoteFile
store = DataStore("tiny", "", {"a.bin": RemoteFile(url, sha256)})
sys.stdout.write(str(store.fetch(["a.bin"], data_home=home, n_retries=0)["a.bin"]))
"""


def send(request, content, *, length=None, status=200):
    request.send_response(status)
    if length is not None:
        request.send_header("Content-Length", str(length))
    request.end_headers()
    request.wfile.write(content)


def send_whole(request):
    send(request, CONTENT, length=len(CONTENT))


def send_error(request):
    send(request, b"out of order", length=12, status=500)


@pytest.fixture
def serve(monkeypatch):
    """Start a server on loopback that answers the n-th request by the n-th behaviour."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(*behaviours):
        requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self.path)
                behaviours[min(len(requests), len(behaviours)) - 1](self)

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/a.bin", requests

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def waits(monkeypatch):
    """Record pooch's pauses between two attempts instead of sleeping."""
    seconds = []
    monkeypatch.setattr("pooch.core.time", types.SimpleNamespace(sleep=seconds.append))
    return seconds


def make_store(url, sha256=SHA256):
    return DataStore("tiny", "", {"a.bin": RemoteFile(url, sha256)})


def files_under(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_small_file_is_fetched_once(serve, tmp_path):
    url, requests = serve(send_whole)
    store = make_store(url)
    path = store.fetch(["a.bin"], data_home=tmp_path)["a.bin"]
    assert path == tmp_path / "raw" / "tiny" / "a.bin"
    assert path.read_bytes() == CONTENT
    assert store.fetch(["a.bin"], data_home=tmp_path) == {"a.bin": path}
    assert requests == ["/a.bin"]
    assert files_under(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("announced", [len(CONTENT), None], ids=["announced", "unannounced"])
def test_a_truncated_body_is_not_kept(serve, tmp_path, waits, announced):
    def truncated(request):
        send(request, CONTENT[:70_000], length=announced)

    url, requests = serve(truncated, truncated, send_whole)
    store = make_store(url)
    with pytest.raises(OSError, match=r"Could not fetch a\.bin from http://127\.0\.0\.1"):
        store.fetch(["a.bin"], data_home=tmp_path, n_retries=1)
    assert (len(requests), waits) == (2, [1])
    assert files_under(tmp_path) == []
    assert store.fetch(["a.bin"], data_home=tmp_path)["a.bin"].read_bytes() == CONTENT


def test_a_wrong_checksum_is_an_error_that_names_both(serve, tmp_path, waits):
    url, requests = serve(send_whole)
    with pytest.raises(OSError, match="Could not fetch") as caught:
        make_store(url, sha256="0" * 64).fetch(["a.bin"], data_home=tmp_path, n_retries=2)
    assert SHA256 in str(caught.value)
    assert "0" * 64 in str(caught.value)
    assert (len(requests), waits) == (3, [1, 2])
    assert files_under(tmp_path) == []


def test_a_refused_connection_says_what_to_do(tmp_path, waits, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as taken:
        # The port is bound and not listening: connections fail, and no other program gets it.
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a.bin"
        with pytest.raises(OSError, match="Could not fetch") as caught:
            make_store(url).fetch(["a.bin"], data_home=tmp_path, n_retries=1)
    message = str(caught.value)
    assert (
        f"get {url} by other means and put it at {tmp_path / 'raw' / 'tiny' / 'a.bin'}" in message
    )
    assert f"(sha256 {SHA256})" in message
    assert (
        "SKDA_DATA_HOME name a folder that holds raw/tiny/a.bin or the prepared tiny.npz" in message
    )
    assert waits == [1]
    assert files_under(tmp_path) == []


def test_a_server_error_is_tried_again(serve, tmp_path, waits):
    url, requests = serve(send_error, send_whole)
    path = make_store(url).fetch(["a.bin"], data_home=tmp_path)["a.bin"]
    assert path.read_bytes() == CONTENT
    assert (len(requests), waits) == (2, [1])


def test_a_lasting_server_error_ends_after_the_retries(serve, tmp_path, waits):
    url, requests = serve(send_error)
    with pytest.raises(OSError, match="500 Server Error"):
        make_store(url).fetch(["a.bin"], data_home=tmp_path, n_retries=2)
    assert (len(requests), waits) == (3, [1, 2])
    assert files_under(tmp_path) == []


def start_process(url, home):
    command = [sys.executable, "-c", FETCH_IN_PROCESS, str(ROOT), url, SHA256, str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once_both_get_the_whole_file(serve, tmp_path):
    both_asked = threading.Barrier(2, timeout=120)

    def send_slowly(request):
        # Each download waits until the other download has begun.
        send(request, CONTENT[:100_000], length=len(CONTENT))
        both_asked.wait()
        request.wfile.write(CONTENT[100_000:])

    url, requests = serve(send_slowly)
    processes = [start_process(url, tmp_path) for _ in range(2)]
    results = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], results
    assert len(requests) == 2
    assert {Path(out).read_bytes() for out, _ in results} == {CONTENT}
    assert files_under(tmp_path) == ["a.bin"]


def test_a_killed_process_leaves_nothing_that_is_trusted(serve, tmp_path):
    halfway, killed = threading.Event(), threading.Event()

    def send_half(request):
        send(request, CONTENT[:100_000], length=len(CONTENT))
        halfway.set()
        killed.wait(timeout=120)
        request.close_connection = True

    url, _ = serve(send_half, send_whole)
    process = start_process(url, tmp_path)
    assert halfway.wait(timeout=120)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    killed.set()
    path = tmp_path / "raw" / "tiny" / "a.bin"
    assert not path.exists()
    assert make_store(url).fetch(["a.bin"], data_home=tmp_path)["a.bin"].read_bytes() == CONTENT


def put(home, content):
    path = home / "raw" / "tiny" / "a.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_half_written_file_in_the_cache_is_replaced(serve, tmp_path):
    url, requests = serve(send_whole)
    path = put(tmp_path, CONTENT[:1000])
    make_store(url).fetch(["a.bin"], data_home=tmp_path)
    assert path.read_bytes() == CONTENT
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("content", "state"), [(None, "is missing"), (CONTENT[:-1], "has a wrong checksum")]
)
def test_download_if_missing_false_raises(tmp_path, content, state):
    path = tmp_path / "raw" / "tiny" / "a.bin" if content is None else put(tmp_path, content)
    expected = re.escape(f"{path} {state} and download_if_missing=False. What to do: ")
    with pytest.raises(OSError, match=expected):
        make_store("http://127.0.0.1:9/").fetch(
            ["a.bin"], data_home=tmp_path, download_if_missing=False
        )


def test_pooch_is_needed_only_to_download(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    store = make_store("http://127.0.0.1:9/")
    message = 'Downloading a.bin needs pooch: pip install "skda[data]". What to do: '
    with pytest.raises(ImportError, match=re.escape(message)):
        store.fetch(["a.bin"], data_home=tmp_path)
    path = put(tmp_path, CONTENT)
    assert store.fetch(["a.bin"], data_home=tmp_path) == {"a.bin": path}


def test_the_progress_bar_is_optional(serve, tmp_path, capsys):
    pytest.importorskip("tqdm")
    url, _ = serve(send_whole)
    make_store(url).fetch(["a.bin"], data_home=tmp_path / "quiet")
    assert "100%" not in capsys.readouterr().err
    make_store(url).fetch(["a.bin"], data_home=tmp_path / "bar", progress=True)
    assert "100%" in capsys.readouterr().err


def test_data_home_order(monkeypatch, tmp_path):
    monkeypatch.setenv("SKDA_DATA_HOME", str(tmp_path / "variable"))
    assert get_data_home(tmp_path / "explicit") == tmp_path / "explicit"
    assert get_data_home() == tmp_path / "variable"
    monkeypatch.setenv("SKDA_DATA_HOME", "")
    assert get_data_home() == Path.home() / "skda_data"
    monkeypatch.delenv("SKDA_DATA_HOME")
    assert get_data_home() == Path.home() / "skda_data"
    assert get_data_home("~/elsewhere") == Path.home() / "elsewhere"


def test_github_files_reads_the_checksum_table():
    files = github_files("owner/name", "c0ffee", "a/b", "\n01  x.csv\n02  y.csv\n    ")
    root = "https://raw.githubusercontent.com/owner/name/c0ffee/a/b"
    assert files == {
        "x.csv": RemoteFile(f"{root}/x.csv", "01"),
        "y.csv": RemoteFile(f"{root}/y.csv", "02"),
    }


def test_a_prepared_archive_is_verified(tmp_path, write_prepared):
    store = write_prepared(DataStore("tiny", ""), {"a": np.arange(3)})
    np.testing.assert_array_equal(store.read_prepared(tmp_path)["a"], [0, 1, 2])
    assert store.read_prepared(tmp_path / "elsewhere") is None

    path = tmp_path / "tiny.npz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} is damaged") as caught:
        store.read_prepared(tmp_path)
    advice = "Replace it by the right file, or move it away so that it is not used."
    assert f"expected {store.prepared_sha256}. {advice}" in str(caught.value)


def test_read_npz_says_what_is_wrong(tmp_path):
    path = tmp_path / "user.npz"
    with pytest.raises(FileNotFoundError, match=r"There is no file .*user\.npz\. Do this\."):
        read_npz(path, remedy="Do this.")
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"user\.npz cannot be read as an \.npz archive"):
        read_npz(path)
    with path.open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(ValueError, match="holds a single array"):
        read_npz(path)
    np.savez(path, a=np.arange(3))
    assert set(read_npz(path, required=["a"])) == {"a"}
    with pytest.raises(ValueError, match=r"user\.npz lacks the arrays b, c\. Do this\."):
        read_npz(path, required=["a", "b", "c"], remedy="Do this.")
