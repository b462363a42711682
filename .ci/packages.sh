# Sourced by ./emu and ./test: what the machine must have, installed when it is missing.

# die TEXT: one line, exit 1.
die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# need PACKAGE...: installs the Debian packages that are missing.
need() {
    local package missing=() as_root=()
    for package; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    local by_hand="install by hand: apt-get install ${missing[*]} (Debian 12; see toolchain.md)"
    command -v apt-get >/dev/null || die "needs ${missing[*]}, and this system has no apt-get; $by_hand"
    if ((EUID)); then
        sudo -n true 2>/dev/null || die "needs ${missing[*]}, and only root may install them; $by_hand"
        as_root=(sudo -n)
    fi
    echo "${0##*/}: installing ${missing[*]} ..." >&2
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    local log
    log=$("${apt[@]}" update 2>&1 </dev/null &&
        "${apt[@]}" install -y --no-install-recommends "${missing[@]}" 2>&1 </dev/null) ||
        die "cannot install ${missing[*]} ($(grep -m1 '^E: ' <<<"$log")); $by_hand"
}

# Sets $dotnet to the .NET host, or leaves it empty.
find_dotnet() {
    local place
    for place in "${DOTNET_ROOT:-}" ${PATH//:/ } "${HOME:-}/.dotnet" /usr/share/dotnet /usr/lib/dotnet; do
        dotnet=$place/dotnet
        [[ -n $place && -x $dotnet && ! -d $dotnet ]] && return 0
    done
    dotnet=
}

# need_sdk: the .NET 10 SDK, from the system's packages where they carry it.
need_sdk() {
    find_dotnet
    [[ -n $dotnet ]] && "$dotnet" --list-sdks | grep -q '^10\.' && return
    apt-cache show dotnet-sdk-10.0 >/dev/null 2>&1 && need dotnet-sdk-10.0 && find_dotnet && return
    die "needs the .NET 10 SDK; install by hand: https://dot.net/v1/dotnet-install.sh --channel 10.0 (see toolchain.md)"
}
