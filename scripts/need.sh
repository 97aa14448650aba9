# Sourced: makes sure that the tests find what they need. On Debian as root it
# installs what is missing; elsewhere it names it and fails.

# need PACKAGE COMMAND… : every command must be there after this.
declare -a missing=()
need() {
    local package=$1 command
    shift
    for command in "$@"; do
        if ! command -v "$command" >/dev/null 2>&1; then
            missing+=("$package")
            return
        fi
    done
}

# need_file PACKAGE FILE: the same for something that is no command.
need_file() {
    [ -e "$2" ] || missing+=("$1")
}

install_missing() {
    if [ ${#missing[@]} -eq 0 ]; then return; fi
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "These are missing, and this is not root on Debian, so install them yourself: ${missing[*]}" >&2
        exit 1
    fi
    echo "installing: ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
