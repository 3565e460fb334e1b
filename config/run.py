"""bin/run: bring up database, queue, worker and web server, say so step by step, and take down what was brought up.

    python -m config.run [--demo]

The children die with this process, even when it is killed: the kernel is asked to tell them (``PR_SET_PDEATHSIG``), and
what is left all the same is found by its mark in the environment and ended by the next run.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from config.embedded import REPOSITORY, Cluster, ServerProblem, working

MARK = "VOUCHERS_RUN"
# Most published schemes ended in 2024 or 2025, so the demonstration lives here; every page says so.
DEMO_DATE = "2025-07-15"
HOST = "127.0.0.1"
STOP_SECONDS = 10
READY_SECONDS = 60
PR_SET_PDEATHSIG = 1
# The logins that migrate and that seal the trail: not for the web server, the worker has no use for the former.
OWNER, SEALER = ("MIGRATION_DATABASE_URL",), ("SEALER_DATABASE_URL",)


class Failed(RuntimeError):
    """A step failed; the message names it."""


def say(text: str) -> None:
    print(f"\033[1m==>\033[0m {text}" if sys.stdout.isatty() else f"==> {text}", flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say what is done and how long it took."""
    say(f"{title} …")
    started = time.monotonic()
    yield
    print(f"    完成（{time.monotonic() - started:.1f} 秒）", flush=True)


class Children:
    """The processes of this run: started together, watched together, stopped together."""

    def __init__(self, environment: dict[str, str], mark: str) -> None:
        self.environment = environment | {MARK: mark}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: list[str], log: Path, without: tuple[str, ...] = ()) -> None:
        """Start one in a process group of its own; its output goes to the log. ``without``: addresses it need not know."""
        libc = ctypes.CDLL(None)
        parent = os.getpid()

        def die_with_parent() -> None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        with log.open("ab") as output:
            self.running[name] = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={key: value for key, value in self.environment.items() if key not in without},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def ended(self) -> str | None:
        """The name of one that ended by itself."""
        return next((name for name, child in self.running.items() if child.poll() is not None), None)

    def stop(self) -> None:
        """Ask each to finish; after ten seconds end whatever is left of its group."""
        for child in self.running.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        self.running.clear()


def end_leftovers(mark: str) -> int:
    """End the processes of an earlier run of this checkout that was killed; how many there were."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    for how in (signal.SIGTERM, signal.SIGKILL):
        for pid in found:
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + (3 if how == signal.SIGTERM else 1)
        while any(_alive(pid) for pid in found) and time.monotonic() < deadline:
            time.sleep(0.05)
    return len(found)


def _alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def port_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def exists(command: str) -> bool:
    """Whether some app has this management command."""
    return any(REPOSITORY.glob(f"*/management/commands/{command}.py"))


def sources_digest() -> str:
    """A digest of everything that shapes the state from which the demonstration begins."""
    digest = hashlib.sha256()
    for app in ("config", "vouchers", "applications", "audit"):
        for path in sorted((REPOSITORY / app).rglob("*")):
            if path.suffix in {".py", ".sql", ".yaml", ".json", ".csv"} and path.is_file():
                digest.update(f"{path.relative_to(REPOSITORY)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class Run:
    """One run of the system on this machine, for people (serving) or for the demonstration."""

    def __init__(self, *, demo: bool) -> None:
        self.demo = demo
        self.mark = f"{REPOSITORY}:{'demo' if demo else 'serve'}"
        self.var = REPOSITORY / "var" / "demo" if demo else REPOSITORY / "var"
        self.logs = self.var / "logs"
        self.environment = {"DEMO_DATE": DEMO_DATE} | os.environ
        self.ready = False
        self.stack = ExitStack()

    def go(self) -> int:
        """Everything, in order; the exit status."""
        started = time.monotonic()
        with self.stack:
            self.logs.mkdir(parents=True, exist_ok=True)
            (self.var / "static").mkdir(exist_ok=True)
            self._only_one()
            if leftovers := end_leftovers(self.mark):
                say(f"已清理上次异常退出遗留的 {leftovers} 个进程")
            port = free_port() if self.demo else int(os.environ.get("PORT", "8000"))
            if port_taken(port):
                raise Failed(f"端口 {port} 已被其他程序占用。请关闭该程序，或指定其他端口：PORT=8080 bin/run")
            self._database()
            if not self.ready:
                self._load()
            children = self._serve(port)
            address = f"http://{HOST}:{port}"
            if self.demo:
                say("按主流程办理一遍（通过页面与接口）")
                command = [sys.executable, "manage.py", "demo", "--base-url", address]
                return subprocess.call(command, cwd=REPOSITORY, env=self.environment)
            self._greet(address, time.monotonic() - started)
            while (ended := children.ended()) is None:
                time.sleep(0.5)
            raise Failed(f"{ended}意外退出，日志见 {self.logs.relative_to(REPOSITORY)}/")
        return 0

    def _only_one(self) -> None:
        descriptor = os.open(self.var / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed("bin/run 已在运行。请先在原窗口按 Ctrl-C 停止。") from None
        self.stack.callback(os.close, descriptor)

    def _database(self) -> None:
        self.environment.setdefault("VAR_DIR", str(self.var))
        if "DATABASE_URL" in self.environment and "CELERY_BROKER_URL" in self.environment:
            say("使用环境变量给出的数据库与队列（DATABASE_URL、CELERY_BROKER_URL）")
            return
        cluster = working()
        with step("启动嵌入式 PostgreSQL"):
            self.stack.enter_context(cluster.held())
            queue = "voucher_queue_demo" if self.demo else "voucher_queue"
            if self.demo:
                cluster.drop_database(queue)
            cluster.create_queue(queue)
        given = cluster.environment("vouchers_demo" if self.demo else "vouchers", queue)
        if "DATABASE_URL" in self.environment:
            given = {"CELERY_BROKER_URL": given["CELERY_BROKER_URL"]}
        self.environment = given | self.environment
        if "DATABASE_URL" in given:
            (self._begin_anew if self.demo else self._bring_up_to_date)(cluster)

    def _bring_up_to_date(self, cluster: Cluster) -> None:
        """Migrate and load, unless this very state of the sources has been brought into this database before."""
        loaded = f"loaded {sources_digest()}"
        if cluster.remark("vouchers") != loaded:
            self._load()
            cluster.set_remark("vouchers", loaded)
        self.ready = True

    def _load(self) -> None:
        with step("迁移数据库"):
            self._manage("migrate", "--verbosity", "0")
        if exists("load_demo"):
            with step("加载政策、价格与演示年度数据"):
                self._manage("load_demo")

    def _begin_anew(self, cluster: Cluster) -> None:
        """The demonstration begins from the same state each time, so that its amounts are those of the README.

        Loading that state takes a while, so it is kept as a template and copied, until a source file changes.
        """
        kept, files = f"vouchers_demo_{sources_digest()}", self.var / "prepared"
        for entry in self.var.iterdir():
            if entry.is_dir() and entry.name not in {"prepared", "logs"}:
                shutil.rmtree(entry)
            elif entry.is_file() and entry.name != "run.lock":
                entry.unlink()
        (self.var / "static").mkdir()
        cluster.drop_database("vouchers_demo")
        if not cluster.has_database(kept) or not files.exists():
            shutil.rmtree(files, ignore_errors=True)
            cluster.drop_databases_like("vouchers\\_demo\\_%")
            cluster.create_database("vouchers_demo")
            self._load()
            made = [entry for entry in self.var.iterdir() if entry.name not in {"logs", "run.lock", "static"}]
            files.mkdir()
            for entry in made:
                (shutil.copytree if entry.is_dir() else shutil.copy2)(entry, files / entry.name)
            cluster.rename_database("vouchers_demo", kept)
        with step("恢复演示起点"):
            shutil.copytree(files, self.var, dirs_exist_ok=True)
            cluster.create_database("vouchers_demo", template=kept)
        self.ready = True

    def _manage(self, *arguments: str) -> None:
        done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=REPOSITORY, env=self.environment)
        if done.returncode != 0:
            raise Failed(f"manage.py {arguments[0]} 失败（退出码 {done.returncode}）。")

    def _serve(self, port: int) -> Children:
        own_witness = "TRAIL_WITNESS_URL" not in self.environment
        witness = f"{HOST}:{free_port()}"
        if own_witness:
            self.environment["TRAIL_WITNESS_URL"] = f"http://{witness}"
        children = Children(self.environment, self.mark)
        self.stack.callback(self._stop, children)
        if own_witness:
            # For a demonstration only: a witness is worth something on a machine that this one's administrator cannot reach.
            command = [sys.executable, "manage.py", "witness", str(self.var / "witness"), "--listen", witness]
            everything = (*OWNER, *SEALER)
            children.start("见证程序", command, self.logs / "witness.log", everything)
        with step("启动任务进程（Celery worker 与 beat）"):
            celery = [sys.executable, "-m", "celery", "-A", "config"]
            quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]
            children.start(
                "任务进程", [*celery, "worker", "-c", "2", *quiet], self.logs / "worker.log", OWNER
            )
            schedule = ["-s", str(self.var / "celerybeat-schedule"), "--pidfile="]
            children.start(
                "定时进程",
                [*celery, "beat", *schedule, "-l", "WARNING"],
                self.logs / "beat.log",
                (*OWNER, *SEALER),
            )
        with step(f"启动网页服务（{HOST}:{port}）"):
            web = [
                sys.executable,
                "-m",
                "granian",
                "--interface",
                "wsgi",
                "--host",
                HOST,
                "--port",
                str(port),
            ]
            workers = self.environment.get("WEB_WORKERS", "1")
            threads = ["--workers", workers, "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
            children.start(
                "网页服务",
                [*web, *threads, "config.wsgi:application"],
                self.logs / "web.log",
                (*OWNER, *SEALER),
            )
            self._wait_until_answering(f"http://{HOST}:{port}/", children)
        return children

    def _stop(self, children: Children) -> None:
        with step("停止网页服务与任务进程"):
            children.stop()

    def _wait_until_answering(self, address: str, children: Children) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if ended := children.ended():
                raise Failed(f"{ended}未能启动，日志见 {self.logs.relative_to(REPOSITORY)}/")
            try:
                with urlopen(address, timeout=5) as answer:  # noqa: S310 (our own address)
                    if answer.status < 500:
                        return
            except URLError as problem:
                status = getattr(problem, "code", None)
                if status is not None and status < 500:
                    return
                if status is not None:
                    raise Failed(
                        f"首页返回 {status}，日志见 {self.logs.relative_to(REPOSITORY)}/web.log"
                    ) from None
            except OSError:
                pass
            time.sleep(0.1)
        raise Failed(
            f"网页服务在 {READY_SECONDS} 秒内没有应答，日志见 {self.logs.relative_to(REPOSITORY)}/web.log"
        )

    def _greet(self, address: str, seconds: float) -> None:
        say(f"已就绪（共 {seconds:.0f} 秒）")
        print(
            f"\n  公开页面   {address}/\n  登录       {address}/accounts/sign-in/\n  配置后台   {address}/admin/"
        )
        print(f"  接口文档   {address}/api/v1/openapi.json\n", flush=True)
        if exists("demo_people"):
            self._manage("demo_people")
        print("\n按 Ctrl-C 停止。", flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bin/run", description="启动算力券系统")
    parser.add_argument("--demo", action="store_true", help="不对外服务，按主流程办理一遍后退出")
    demo: bool = parser.parse_args().demo
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return Run(demo=demo).go()
    except KeyboardInterrupt:
        print("\n已停止。")
        return 130 if demo else 0
    except (Failed, ServerProblem) as problem:
        print(f"错误：{problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
