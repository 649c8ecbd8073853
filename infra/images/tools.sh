# What base.sh and build-and-push.sh share. Sourced, not run.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
images=${CARGO_TARGET_DIR:-$root/target}/images
# Files of an image are read by a user who does not own them.
umask 022

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }
misused() { say "error: $*"; say "--help says what there is"; exit 2; }

# Usage: need COMMAND REMEDY
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is not installed: $2"; }

# The value of an option: `value_of --tag "$@"`, with the option itself in front of the arguments.
value_of() {
  [[ $# -ge 3 && -n "$3" && "$3" != --* ]] || misused "$1 needs a value"
  printf '%s' "$3"
}

# Processors by the name that the spec bucket's infrastructure.json has for them, to those of OCI and Debian.
oci_architecture() {
  case "$1" in
    x86_64 | X86_64 | amd64) echo amd64 ;;
    arm64 | Arm64 | aarch64) echo arm64 ;;
    *) misused "--architecture: '$1' is not one of x86_64, arm64" ;;
  esac
}

# Makes a folder for one run in `work`, and removes it at the end, however that comes.
work_in_a_folder_of_its_own() {
  mkdir -p "$images"
  work=$(mktemp -d "$images/work.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Finds what builds images, as `builder`. Its storage is in the folder of this run: nothing is left behind, and
# nothing that another build left is taken. vfs works everywhere, and it has to be one driver: overlay makes other layers of
# the same files, and so other digests.
find_builder() {
  local program=buildah
  command -v buildah >/dev/null 2>&1 || program=podman
  need "$program" "apt-get install buildah (podman does as well; Docker cannot make the same image twice)"
  need skopeo "apt-get install skopeo"
  builder=("$program" --root "$work/storage" --runroot "$work/run" --storage-driver vfs)
}

# The digest of the image in an OCI layout: of its manifest, as any registry computes it.
digest_of_layout() { echo "sha256:$(skopeo inspect --raw "oci:$1" | sha256sum | cut -d' ' -f1)"; }
