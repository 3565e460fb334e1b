# Sourced by the commands in bin/: finds Python, makes the virtual environment, installs what is missing, sets the
# environment. Every step says what it does and how long it took; a step that has nothing to do says nothing.
# shellcheck shell=bash
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cd "$ROOT"
PYTHON_BIN="$ROOT/.venv/bin/python"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf '\033[1;31m错误：\033[0m%s\n' "$*" >&2; exit 1; }

# step TITLE COMMAND…: run it, say what and how long.
step() {
    local title="$1" started="${EPOCHREALTIME/,/.}" status=0
    shift
    say "$title …"
    "$@" || status=$?
    local took
    took=$(awk -v a="$started" -v b="${EPOCHREALTIME/,/.}" 'BEGIN { printf "%.1f", b - a }')
    if [ "$status" -ne 0 ]; then
        printf '    失败（%s 秒，退出码 %s）\n' "$took" "$status" >&2
        return "$status"
    fi
    printf '    完成（%s 秒）\n' "$took" >&2
}

debian() { [ -r /etc/os-release ] && grep -qE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release; }

# apt_install WHAT-FOR PACKAGE…: on Debian and Ubuntu, as root or through sudo; elsewhere say what is needed.
apt_install() {
    local purpose="$1" as_root=()
    shift
    debian || fail "${purpose}需要安装：$*（以上为 Debian 软件包名）。本系统不是 Debian 或 Ubuntu，请用本机的包管理器安装后重试。"
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            as_root=(sudo)
        else
            fail "${purpose}需要系统软件包，请以管理员身份执行：apt-get update && apt-get install -y $*"
        fi
    fi
    step "安装系统软件包：$*" apt_get "${as_root[@]}" -- "$@"
}

apt_get() {
    local prefix=()
    while [ "$1" != -- ]; do prefix+=("$1"); shift; done
    shift
    local log="$ROOT/var/apt.log"
    mkdir -p "$ROOT/var"
    if ! { "${prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        "${prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        return 1
    fi
}

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "需要 Python 3.11 或更新版本。Debian 12 及以上、Ubuntu 24.04 及以上可执行：apt-get install -y python3 python3-venv；也可用环境变量 PYTHON 指定解释器。"
}

make_venv() {
    local python
    python="$(find_python)"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        apt_install "建立虚拟环境" "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    rm -rf "$ROOT/.venv"
    step "建立虚拟环境（$("$python" --version)）" "$python" -m venv "$ROOT/.venv"
}

# install_requirements FILE: behind a stamp of the file's hash.
install_requirements() {
    local file="$1" stamp="$ROOT/.venv/installed-$1" wanted
    wanted="$(sha256sum "$file" | cut -d' ' -f1)"
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return
    step "安装 Python 依赖（$file，逐一校验哈希）" pip_install "$file"
    printf '%s\n' "$wanted" >"$stamp"
}

pip_install() {
    local log="$ROOT/var/pip.log"
    if ! "$PYTHON_BIN" -m pip install --disable-pip-version-check --no-input --require-hashes -r "$1" >"$log" 2>&1; then
        grep -v '^WARNING' "$log" | tail -n 20 >&2
        return 1
    fi
}

has_library() { /sbin/ldconfig -p 2>/dev/null | grep -q "$1" || ldconfig -p 2>/dev/null | grep -q "$1"; }

system_libraries() {
    local missing=()
    has_library libpango-1.0.so.0 || missing+=(libpango-1.0-0)
    has_library libpangoft2-1.0.so.0 || missing+=(libpangoft2-1.0-0)
    has_library libharfbuzz-subset.so.0 || missing+=(libharfbuzz-subset0)
    [ ${#missing[@]} -eq 0 ] || apt_install "生成 PDF（券面、决定书、拨付清单）" "${missing[@]}"
}

secret_key() {
    local file="$ROOT/var/secret-key"
    [ -s "$file" ] || (umask 077 && "$PYTHON_BIN" -c 'import secrets; print(secrets.token_urlsafe(48))' >"$file")
    cat "$file"
}

# set_up REQUIREMENTS-FILE: one at a time, since several commands may start together.
set_up() {
    mkdir -p "$ROOT/var"
    exec 9>"$ROOT/var/setup.lock"
    flock 9
    "$PYTHON_BIN" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || make_venv
    install_requirements "$1"
    system_libraries
    export DEPLOYMENT="${DEPLOYMENT:-local}"
    export SECRET_KEY="${SECRET_KEY:-$(secret_key)}"
    export DJANGO_SETTINGS_MODULE="${DJANGO_SETTINGS_MODULE:-config.settings}"
    export PYTHONPATH="$ROOT"
    flock -u 9
    exec 9>&-
}
