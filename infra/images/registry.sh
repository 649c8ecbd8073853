# How build-and-push.sh speaks to a registry. Sourced, not run; `registry`, `tag`, `work`, `images` and `plain_http` are set.
# shellcheck shell=bash disable=SC2154

# ECR gives out passwords of twelve hours. One goes from pipe to pipe into a file that ends with this run: on no command
# line, in no environment, and not in the files of the person's own logins.
log_in() {
  local host=${registry%%/*} region
  [[ "$host" =~ ^[0-9]{12}\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$ ]] || return 0
  region=${BASH_REMATCH[2]}
  need aws "pip install awscli"
  export REGISTRY_AUTH_FILE=$work/login.json
  aws ecr get-login-password --region "$region" |
    skopeo login --username AWS --password-stdin "$host" >&2 ||
    fail "no login to $host: see 'aws sts get-caller-identity'; it needs ecr:GetAuthorizationToken"
}

# Whether a program's tag is free, has this very image, or another. An answer that is neither ends the run: to take a
# registry that is down for an empty one would move tags.
state_of_tag() {
  local answer
  if answer=$(skopeo inspect --raw --tls-verify="$(verified)" "docker://$registry/$1:$tag" 2>"$work/answer" | sha256sum); then
    [[ "sha256:${answer%% *}" == "$(digest_of_layout "$images/out/$1")" ]] && echo same || echo other
  elif grep -qE 'manifest unknown|name unknown' "$work/answer"; then
    echo free
  else
    fail "$registry does not say whether $1:$tag is there: $(tail -1 "$work/answer")"
  fi
}

push() {
  say "pushing $1 …"
  skopeo copy --quiet --preserve-digests --dest-tls-verify="$(verified)" \
    "oci:$images/out/$1" "docker://$registry/$1:$tag" ||
    fail "$registry/$1:$tag could not be pushed; in ECR the repository must be there, and the login needs ecr:PutImage"
}

verified() { [[ -n "$plain_http" ]] && echo false || echo true; }
