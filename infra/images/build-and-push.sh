#!/usr/bin/env bash
# Builds the images of the programs and pushes them; prints the name of each by digest, as specs take it.
set -euo pipefail
. "$(dirname "$0")/tools.sh"
. "$(dirname "$0")/registry.sh"

usage="Usage: build-and-push.sh --registry HOST[:PORT][/PATH] --base BASE [OPTIONS] [PROGRAM…]

Prints one line a program: REGISTRY/PROGRAM@sha256:… Programs: loanctl, loan-api, auth, scoring, score-provider (all five)

  --registry NAME         where to; for ECR this logs in with the credentials of the AWS command line, for any other
                          registry log in before, with 'skopeo login'
  --base BASE             oci:DIR as base.sh prints it, or NAME@sha256:… of a distroless image with glibc
  --tag TAG               tag of all images (the revision); one that is taken is never moved
  --architecture ARCH     x86_64 or arm64 (this machine's)
  --programs DIR          built programs; without it 'cargo build --release --locked' makes them, for this machine
  --database-ca FILE      bundle of the authorities that signed for the database, in PEM; goes into loan-api
  --without-database-ca   for a database that a public authority signed for
  --allow-dirty           build although files differ from the revision; the images' labels say so
  --no-push               build only: layouts in target/images/out
  --plain-http            the registry has no TLS; only on loopback

Exit codes: 0 all are there, 1 something failed, 2 unusable arguments"

all_programs=(loanctl loan-api auth scoring score-provider)

main() {
  read_arguments "$@"
  need git "apt-get install git"
  work_in_a_folder_of_its_own
  find_builder
  know_the_revision
  # First, for the base may be there as well.
  log_in
  look_at_the_base
  look_at_the_database_ca
  find_programs
  build_all
  if [[ -n "$push" ]]; then push_all; fi
}

read_arguments() {
  local machine database_ca_decided=""
  machine=$(uname -m)
  programs=()
  registry="" base="" tag="" folder="" database_ca="" allow_dirty="" push=yes plain_http=""
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --registry) registry=$(value_of "$1" "$@"); shift 2 ;;
      --base) base=$(value_of "$1" "$@"); shift 2 ;;
      --tag) tag=$(value_of "$1" "$@"); shift 2 ;;
      --architecture) machine=$(value_of "$1" "$@"); shift 2 ;;
      --programs) folder=$(value_of "$1" "$@"); shift 2 ;;
      --database-ca) database_ca=$(value_of "$1" "$@"); database_ca_decided=yes; shift 2 ;;
      --without-database-ca) database_ca_decided=yes; shift ;;
      --allow-dirty) allow_dirty=yes; shift ;;
      --no-push) push=""; shift ;;
      --plain-http) plain_http=yes; shift ;;
      --help | -h) echo "$usage"; exit 0 ;;
      -*) misused "there is no argument '$1'" ;;
      *)
        [[ " ${all_programs[*]} " == *" $1 "* ]] || misused "there is no program '$1': ${all_programs[*]}"
        programs+=("$1")
        shift
        ;;
    esac
  done
  [[ ${#programs[@]} -gt 0 ]] || programs=("${all_programs[@]}")
  architecture=$(oci_architecture "$machine")
  [[ -n "$base" ]] || misused "--base is missing: base.sh makes one and prints its name"
  [[ -n "$registry" || -z "$push" ]] || misused "--registry is missing (or --no-push)"
  [[ "$registry" != *://* && "$registry" != *@* && "$registry" != */ ]] ||
    misused "--registry: '$registry' must be HOST[:PORT][/PATH], without scheme, user or slash at its end"
  [[ -z "$tag" || "$tag" =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]] || misused "--tag: '$tag' is no tag of an image"
  [[ -n "$database_ca_decided" || " ${programs[*]} " != *" loan-api "* ]] ||
    misused "--database-ca is missing: without RDS's bundle the loan API does not trust its database (or --without-database-ca)"
  [[ -z "$plain_http" || "$registry" =~ ^(127\.[0-9.]+|localhost)(:|/|$) ]] ||
    misused "--plain-http: '$registry' is not on loopback, and what is pushed without TLS can be replaced on its way"
}

know_the_revision() {
  revision=$(git -C "$root" rev-parse HEAD)
  if [[ -n "$(git -C "$root" status --porcelain)" ]]; then
    [[ -n "$allow_dirty" ]] ||
      fail "files differ from revision ${revision:0:12}: commit them, or say --allow-dirty; see 'git status'"
    revision+=-dirty
  fi
  version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
  # The default is one tag for one revision, so that an image is never asked to be two things.
  tag=${tag:-${revision:0:12}${revision:40}}
  # When the source was committed, not when it was built: the same input, the same image.
  created=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
}

look_at_the_base() {
  local source=$base found of_linux=(--override-os linux --override-arch "$architecture")
  case "$base" in
    oci:*) [[ -f "${base#oci:}/index.json" ]] || fail "--base: ${base#oci:} is not an image layout: run base.sh" ;;
    *@sha256:*) source=docker://$base ;;
    *) misused "--base: '$base' must be oci:DIR or NAME@sha256:…; what a tag names can change" ;;
  esac
  # In a folder with a plain name: buildah makes a name of the path, and not of every path.
  skopeo copy --quiet "${of_linux[@]}" "$source" "oci:$work/base" || fail "--base: $base cannot be read"
  skopeo inspect "${of_linux[@]}" --config "oci:$work/base" >"$work/base.json"
  found=$(skopeo inspect "${of_linux[@]}" --format '{{.Architecture}}' "oci:$work/base")
  [[ "$found" == "$architecture" ]] || fail "--base: $base is for $found, not for $architecture"
  # Of a layout no path is told: it is nobody's business, and would make the same image differ from place to place.
  base_name=${base%@*} base_digest=${base##*@}
  [[ "$base" != oci:* ]] || base_name=loan-platform-base base_digest=$(digest_of_layout "${base#oci:}")
  # What base.sh wrote; a distroless image of Debian 12 has the same.
  glibc=$(grep -o '"dev.lending.glibc": *"[^"]*"' "$work/base.json" | cut -d'"' -f4 || true)
  glibc=${glibc:-2.36}
}

look_at_the_database_ca() {
  [[ -n "$database_ca" ]] || return 0
  grep -qs 'BEGIN CERTIFICATE' "$database_ca" || fail "--database-ca: $database_ca has no certificates in PEM"
}

# Puts the programs into a folder of this run, so that a build that goes on beside this one changes nothing.
find_programs() {
  if [[ -z "$folder" ]]; then
    [[ "$(oci_architecture "$(uname -m)")" == "$architecture" ]] ||
      fail "--programs is missing: this machine builds programs for $(uname -m) only"
    need cargo "install Rust with rustup, or give built programs with --programs"
    # From the root: all features, the home on AWS among them.
    (cd "$root" && cargo build --release --locked "${programs[@]/#/--package=}" >&2)
    folder=${CARGO_TARGET_DIR:-$root/target}/release
  fi
  mkdir "$work/context"
  for program in "${programs[@]}"; do
    look_at_the_program "$folder/$program"
    install -m 0555 "$folder/$program" "$work/context/$program"
    [[ "$program" != loanctl ]] || look_for_the_home_on_aws
  done
  [[ -z "$database_ca" ]] || install -m 0444 "$database_ca" "$work/context/database-ca.pem"
}

look_at_the_program() {
  local file=$1 found needs
  [[ -f "$file" ]] || fail "--programs: $file is missing: cargo build --release --locked --package ${file##*/}"
  # Bytes 18 and 19 of an ELF file say for which processor it is.
  case "$(od -An -tx1 -N20 "$file" | tr -d ' \n')" in
    7f454c46*3e00) found=amd64 ;;
    7f454c46*b700) found=arm64 ;;
    *) found="something else" ;;
  esac
  [[ "$found" == "$architecture" ]] || fail "$file is for $found, not for $architecture"
  needs=$(grep -ao 'GLIBC_2\.[0-9]*' "$file" | sort -uV | tail -1)
  needs=${needs#GLIBC_}
  [[ "$(printf '%s\n' "$needs" "$glibc" | sort -V | tail -1)" == "$glibc" ]] ||
    fail "$file needs glibc $needs, and the base has $glibc: build it on the Debian release of the base"
}

# `make up` builds loanctl without it, under the same name. Only a machine that can run the program can tell.
look_for_the_home_on_aws() {
  [[ "$(oci_architecture "$(uname -m)")" == "$architecture" ]] || return 0
  "$work/context/loanctl" controller --help >/dev/null 2>&1 ||
    fail "$folder/loanctl was built without AWS: cargo build --release --locked --package loanctl"
}

build_all() {
  local pulled
  pulled=$(cd "$work" && "${builder[@]}" pull --quiet --arch "$architecture" oci:base) || fail "--base: $base cannot be used"
  rm -rf "$images/out"
  mkdir -p "$images/out"
  for program in "${programs[@]}"; do
    say "building $program …"
    build "$program" || fail "$program could not be built, see above"
  done
}

build() {
  local program=$1 target=$1
  [[ "$program" != loan-api || -z "$database_ca" ]] || target=loan-api-with-database-ca
  "${builder[@]}" build --quiet --isolation chroot --layers --identity-label=false \
    --file "$(dirname "$0")/Containerfile" --target "$target" --arch "$architecture" --timestamp "$created" \
    --build-arg "PROGRAM=$program" --build-arg "BASE=$pulled" \
    --label "org.opencontainers.image.title=$program" \
    --label "org.opencontainers.image.version=$version" \
    --label "org.opencontainers.image.revision=$revision" \
    --label "org.opencontainers.image.created=$(date --utc --date "@$created" +%Y-%m-%dT%H:%M:%SZ)" \
    --label "org.opencontainers.image.licenses=Apache-2.0" \
    --annotation "org.opencontainers.image.base.digest=$base_digest" --annotation "org.opencontainers.image.base.name=$base_name" \
    --label "org.opencontainers.image.base.digest=$base_digest" \
    --tag "$program" "$work/context" >/dev/null &&
    "${builder[@]}" push --quiet "$program" "oci:$images/out/$program"
}

# Looks at all tags before the first is pushed: either none or all of a run is refused.
push_all() {
  local program state missing=()
  for program in "${programs[@]}"; do
    state=$(state_of_tag "$program")
    case "$state" in
      free) missing+=("$program") ;;
      same) say "$program:$tag is there already, with the same content" ;;
      *) fail "$registry/$program:$tag is there already, with other content, and a tag is never moved: give another --tag" ;;
    esac
  done
  for program in ${missing[@]+"${missing[@]}"}; do push "$program"; done
  for program in "${programs[@]}"; do
    echo "$registry/$program@$(digest_of_layout "$images/out/$program")"
  done
}

main "$@"
