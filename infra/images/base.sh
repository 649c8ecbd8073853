#!/usr/bin/env bash
# Makes the base of the images from Debian packages: glibc, libgcc, certificates, two accounts. No shell, no package manager.
set -euo pipefail
. "$(dirname "$0")/tools.sh"

usage="Usage: base.sh [--architecture x86_64|arm64] [--output DIR]

Downloads the packages from the package sources of this machine, which must be Debian, into no system folder, and needs no root.
Writes an image layout to DIR (target/images/base-ARCHITECTURE) and DIR.packages with what is in it, and prints
what to give to build-and-push.sh as --base. The same packages make the same digest."

# What the programs are linked to, and the authorities that they trust. gcc-12-base has the licence of libgcc-s1.
packages=(libc6 libgcc-s1 gcc-12-base ca-certificates)

main() {
  read_arguments "$@"
  need apt-get "run this on Debian, or give build-and-push.sh another base by digest"
  need dpkg-deb "apt-get install dpkg"
  work_in_a_folder_of_its_own
  find_builder
  say "downloading ${packages[*]} for $architecture …"
  download
  unpack
  bundle_certificates
  name_accounts
  commit
}

read_arguments() {
  local machine
  machine=$(uname -m)
  output=""
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --architecture) machine=$(value_of "$1" "$@"); shift 2 ;;
      --output) output=$(value_of "$1" "$@"); shift 2 ;;
      --help | -h) echo "$usage"; exit 0 ;;
      *) misused "there is no argument '$1'" ;;
    esac
  done
  architecture=$(oci_architecture "$machine")
  output=${output:-$images/base-$architecture}
}

# apt with lists and a cache of its own: another architecture than the machine's does not have to be added to the machine.
# It checks the archive's signature with the machine's keys, as always.
apt() {
  apt-get -qq -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" \
    -o "Dir::State=$work/apt" -o "Dir::State::status=$work/apt/status" -o "Dir::Cache=$work/apt/cache" \
    -o "APT::Sandbox::User=$(id -un)" -o Acquire::Languages=none "$@" >&2
}

download() {
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/debs"
  : >"$work/apt/status"
  apt update
  (cd "$work/debs" && apt download "${packages[@]}")
}

unpack() {
  tree=$work/tree
  mkdir -p "$tree/var/lib/dpkg/status.d" "$tree/etc" "$tree/tmp"
  chmod 1777 "$tree/tmp"
  for package in "$work"/debs/*.deb; do
    dpkg-deb --extract "$package" "$tree"
    # Where scanners look for the packages of an image that has no package manager.
    dpkg-deb --field "$package" >"$tree/var/lib/dpkg/status.d/$(dpkg-deb --field "$package" Package)"
    # shellcheck disable=SC2016  # dpkg-deb fills in the names
    dpkg-deb --show --showformat='${Package} ${Version} ${Architecture}\n' "$package"
  done | sort >"$work/packages"
  # All of the time that is in it: the newest file of Debian's.
  newest=$(find "$tree" -type f -not -path '*/status.d/*' -printf '%T@\n' | sort -n | tail -1)
  newest=${newest%.*}

  # Licences stay; what only a system with a shell uses goes.
  find "$tree/usr/share/doc" -type f -not -name copyright -delete
  rm -rf "${tree:?}"/{sbin,usr/sbin,usr/bin,bin,usr/share/lintian,usr/share/man,usr/share/locale,etc/ca-certificates} \
    "$tree"/usr/lib/*-linux-gnu/{gconv,audit} "$tree"/usr/share/{gcc,gdb}
  find "$tree/usr" -type d -empty -delete
}

# What update-ca-certificates does, which needs a shell.
bundle_certificates() {
  local bundle=$tree/etc/ssl/certs/ca-certificates.crt
  mkdir -p "$(dirname "$bundle")"
  find "$tree/usr/share/ca-certificates" -name '*.crt' | LC_ALL=C sort | xargs cat >"$bundle"
  grep -q 'BEGIN CERTIFICATE' "$bundle" || fail "ca-certificates: the package has no certificates where they are expected"
  rm -r "$tree/usr/share/ca-certificates"
}

name_accounts() {
  printf '%s\n' root:x:0:0:root:/:/sbin/nologin nonroot:x:65532:65532:nonroot:/:/sbin/nologin >"$tree/etc/passwd"
  printf '%s\n' root:x:0: nonroot:x:65532: >"$tree/etc/group"
  # Without it glibc asks DNS before /etc/hosts, where ECS writes the names of Service Connect.
  echo 'hosts: files dns' >"$tree/etc/nsswitch.conf"
  # The release that a scanner looks vulnerabilities up for.
  release=$(. /etc/os-release && echo "$VERSION_ID")
  printf 'ID=debian\nVERSION_ID="%s"\nNAME="Debian GNU/Linux"\n' "$release" >"$tree/etc/os-release"
}

commit() {
  local glibc
  glibc=$(sed -n 's/^libc6 \([0-9]*\.[0-9]*\).*/\1/p' "$work/packages")
  rm -rf "$output" "$output.packages"
  mkdir -p "$(dirname "$output")"
  printf 'FROM scratch\nCOPY . /\nUSER 65532:65532\n' >"$work/base.Containerfile"
  "${builder[@]}" build --quiet --timestamp "$newest" --arch "$architecture" --identity-label=false \
    --label "org.opencontainers.image.title=loan-platform-base" --label "org.opencontainers.image.version=debian-$release" \
    --label "dev.lending.glibc=$glibc" --file "$work/base.Containerfile" --tag base "$tree" >/dev/null
  "${builder[@]}" push --quiet base "oci:$output"
  mv "$work/packages" "$output.packages"
  say "$(digest_of_layout "$output"), $(du -sh "$tree" | cut -f1) unpacked; packages: $output.packages"
  echo "oci:$output"
}

main "$@"
