#!/usr/bin/env bash
# Deploys sheaf to ECS Fargate: asks what it has to know, shows the change sets of both stacks, and
# carries them out once you say yes. Until then it changes nothing that stays.
set -euo pipefail

usage() {
  cat <<'USAGE'
deploy/deploy.sh [options]

  --region <region>    by default AWS_REGION, else us-east-2
  --name <name>        what everything is named after, by default sheaf: the stacks <name>-data and <name>
  --image <uri>        the image, or `current` for the one that the stack has; without it, one is built
                       from this folder and pushed to ECR
  --set <Name=value>   a parameter of deploy/aws/data.yaml or service.yaml; may be repeated
  --plan               show the change sets, then remove them
  --yes                ask nothing, carry out
  --help

Parameters that are not given keep the value that the stack has, or have the template's default. The
AWS command line finds its credentials as ever (AWS_PROFILE, AWS_ACCESS_KEY_ID, ...).
USAGE
}

fail() {
  printf '\n%s\n' "$*" >&2
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
# A file a parameter: the shell of macOS has no maps.
values=$(mktemp -d)
trap 'rm -rf "$values"' EXIT
mkdir "$values/given" "$values/data" "$values/service"

region=${AWS_REGION:-us-east-2}
region_given=
name=sheaf
image=
unattended=
plan_only=
while [ $# -gt 0 ]; do
  case $1 in
    --region | --name | --image | --set)
      [ $# -ge 2 ] || fail "$1 wants a value; see --help"
      case $1 in
        --region) region=$2 region_given=1 ;;
        --name) name=$2 ;;
        --image) image=$2 ;;
        --set)
          [[ $2 =~ ^[A-Za-z]+= ]] || fail "--set wants Name=value, got \"$2\""
          printf %s "${2#*=}" >"$values/given/${2%%=*}"
          ;;
      esac
      shift 2
      ;;
    --plan) plan_only=1 && shift ;;
    --yes) unattended=1 && shift ;;
    --help | -h) usage && exit ;;
    *) usage >&2 && fail "There is no option $1." ;;
  esac
done
[[ $name =~ ^[a-z][a-z0-9-]{0,18}[a-z0-9]$ ]] ||
  fail "--name: expected 2 to 20 lower-case letters, digits and hyphens, got \"$name\""

# ---- Asking

# ask <question> <default>: the answer, or the default where it is empty.
ask() {
  local answer
  if [ -n "$unattended" ]; then
    printf %s "$2"
    return
  fi
  if [ -n "$2" ]; then
    printf '%s [%s]: ' "$1" "$2" >&2
  else
    printf '%s: ' "$1" >&2
  fi
  read -r answer || fail "No answer; --yes asks nothing."
  printf %s "${answer:-$2}"
}

confirm() {
  [ -n "$unattended" ] || [[ $(ask "$1 (yes or no)" no) =~ ^[Yy]([Ee][Ss])?$ ]]
}

# ---- AWS

# The second version of the command line would page.
export AWS_PAGER=
cloudformation() { aws cloudformation "$@" --region "$region"; }

status_of() {
  cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text \
    2>/dev/null || printf none
}

# Names of a template's parameters.
parameters_of() {
  awk '/^[A-Za-z]/ { inside = /^Parameters:/ } inside && /^  [A-Za-z]+:$/ { gsub(/[ :]/, ""); print }' \
    "$here/aws/$1.yaml"
}

# previous <template> <parameter>: the value that the stack has.
previous() {
  local file=$values/$1.previous
  [ -s "$file" ] && awk -F '\t' -v name="$2" '$1 == name { print $2 }' "$file" || true
}

load_previous() {
  cloudformation describe-stacks --stack-name "$2" --output text \
    --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]' >"$values/$1.previous" 2>/dev/null ||
    : >"$values/$1.previous"
}

json_text() { printf %s "$1" | sed 's/\\/\\\\/g; s/"/\\"/g'; }

# The parameters of a change set, as JSON.
parameters_json() {
  local template=$1 key file separator=
  printf '['
  for key in $(parameters_of "$template"); do
    file=$values/$template/$key
    [ -f "$file" ] || file=$values/given/$key
    if [ -f "$file" ]; then
      printf '%s{"ParameterKey":"%s","ParameterValue":"%s"}' "$separator" "$key" "$(json_text "$(cat "$file")")"
    elif grep -q "^$key"$'\t' "$values/$template.previous"; then
      printf '%s{"ParameterKey":"%s","UsePreviousValue":true}' "$separator" "$key"
    else
      continue
    fi
    separator=,
  done
  printf ']'
}

# want <parameter> <question> <default>: asks for a parameter of service.yaml that is not given.
want() {
  local before
  [ -f "$values/given/$1" ] && return
  before=$(previous service "$1")
  ask "$2" "${before:-$3}" >"$values/given/$1" || exit 1
}

given() { cat "$values/given/$1"; }

# ---- What to deploy

command -v aws >/dev/null || fail "The AWS command line is not there: see deploy/aws/README.md."
[ -n "$region_given" ] || region=$(ask Region "$region")
account=$(aws sts get-caller-identity --query Account --output text --region "$region") ||
  fail "AWS does not know you: run \`aws configure\` or \`aws sso login\`, or set AWS_PROFILE, and try again."
printf '\nAccount %s, region %s, stacks %s-data and %s\n\n' "$account" "$region" "$name" "$name"

known=$(parameters_of data && parameters_of service)
for key in "$values"/given/*; do
  [ -f "$key" ] || continue
  key=$(basename "$key")
  grep -qx "$key" <<<"$known" ||
    fail "--set: there is no parameter $key in deploy/aws/data.yaml or service.yaml."
done
load_previous data "$name-data"
load_previous service "$name"
printf %s "$name" >"$values/given/Name"

build=
registry=$account.dkr.ecr.$region.amazonaws.com
[ -n "$image" ] || [ ! -f "$values/given/ImageUri" ] || image=$(given ImageUri)
if [ "$image" = current ]; then
  image=$(previous service ImageUri)
  [ -n "$image" ] || fail "--image: the stack $name is not there yet, so that it has no current image."
fi
if [ -z "$image" ]; then
  tag=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null || date -u +%Y%m%d%H%M%S)
  [ -z "$(git -C "$root" status --porcelain 2>/dev/null)" ] || tag=$tag-$(date -u +%Y%m%d%H%M%S)
  image=$(ask "Image (this one is built and pushed to ECR; or the URI of another)" "$registry/$name:$tag")
  [ "$image" != "$registry/$name:$tag" ] || build=1
fi
printf %s "$image" >"$values/given/ImageUri"
if [ ! -f "$values/given/EcrRepository" ]; then
  repository=
  case $image in "$registry"/*) repository=${image#"$registry"/} repository=${repository%%[:@]*} ;; esac
  printf %s "$repository" >"$values/given/EcrRepository"
fi
[ -z "$build" ] || command -v docker >/dev/null ||
  fail "Docker is not there to build the image with: name one that was built elsewhere with --image."

want TemporalAddress "Temporal's address (host:port)" ""
[ -n "$(given TemporalAddress)" ] || fail "Temporal's address is needed: --set TemporalAddress=host:port"
want TemporalNamespace "Temporal namespace" default
want TemporalApiKeySecretArn "ARN of the secret with Temporal's API key, if there is one" ""

want VpcId VPC "$(aws ec2 describe-vpcs --region "$region" --filters Name=is-default,Values=true \
  --query 'Vpcs[0].VpcId' --output text | sed 's/^None$//')"
[ -n "$(given VpcId)" ] || fail "A VPC is needed: --set VpcId=vpc-..."
subnets=$(aws ec2 describe-subnets --region "$region" --filters "Name=vpc-id,Values=$(given VpcId)" \
  --query 'Subnets[].[SubnetId,AvailabilityZone,MapPublicIpOnLaunch]' --output text)
[ -n "$unattended" ] || printf '%s\n' "$subnets" >&2
# The first two in different zones.
two=$(awk '!seen[$2]++ && count++ < 2 { print $1 }' <<<"$subnets")
want SubnetA "Subnet" "$(sed -n 1p <<<"$two")"
want SubnetB "Subnet in another zone" "$(sed -n 2p <<<"$two")"
public=DISABLED
! grep -q "^$(given SubnetA)[[:space:]].*True" <<<"$subnets" || public=ENABLED
want AssignPublicIp "Public IP for tasks, as public subnets without NAT need (ENABLED or DISABLED)" $public

own=$name-$account-$region
want ExportBucket "Bucket of archives to split" "$own"
want SourceBucket "Bucket of objects to zip" "$own"
want ArchiveBucket "Bucket for zipped archives" "$own"
want ItemsBucket "Bucket of batches of items" "$own"
want IncomingBucket "Bucket of files to route" "$own"
buckets=$(given ExportBucket && echo && given SourceBucket && echo && given ArchiveBucket && echo &&
  given ItemsBucket && echo && given IncomingBucket && echo)
makes=no
! grep -qx "$own" <<<"$buckets" || makes=yes
# One that it has made stays the stack's, whoever uses it.
[ "$(previous data MakeBucket)" != yes ] || makes=yes
printf %s "$makes" >"$values/data/MakeBucket"
if [ "$(given IncomingBucket)" = "$own" ]; then
  : >"$values/data/IncomingBucket"
else
  given IncomingBucket >"$values/data/IncomingBucket"
fi
if [ ! -f "$values/given/AlarmEmail" ]; then
  ask "E-mail address for alarms, if you like" "$(previous data AlarmEmail)" >"$values/given/AlarmEmail" || exit 1
fi
[ -f "$values/given/AlarmTopicArn" ] ||
  printf %s "arn:aws:sns:$region:$account:$name-alarms" >"$values/given/AlarmTopicArn"

# ---- Change sets

change_set=$(date -u +plan-%Y%m%d%H%M%S)
planned=

# plan <template> <stack>: makes a change set, and shows it.
plan() {
  local template=$1 stack=$2 type=UPDATE status reason
  status=$(status_of "$stack")
  case $status in
    none | REVIEW_IN_PROGRESS) type=CREATE ;;
    ROLLBACK_COMPLETE)
      printf '\nThe first attempt at the stack %s has failed and was undone; its record is in the way.\n' "$stack"
      confirm "Remove the record?" || fail "Nothing was done."
      cloudformation delete-stack --stack-name "$stack"
      cloudformation wait stack-delete-complete --stack-name "$stack"
      type=CREATE
      ;;
    *_IN_PROGRESS) fail "The stack $stack is being changed ($status): try again when that is through." ;;
  esac
  parameters_json "$template" >"$values/$template.json"
  # CloudFormation takes 51,200 bytes at most; comments are for those who read the file.
  sed '/^ *#/d' "$here/aws/$template.yaml" >"$values/$template.yaml"
  if reason=$(cloudformation create-change-set --stack-name "$stack" --change-set-type $type \
    --change-set-name "$change_set-$template" --template-body "file://$values/$template.yaml" \
    --parameters "file://$values/$template.json" --capabilities CAPABILITY_IAM 2>&1); then
    planned="$planned $template:$stack:$type"
    if cloudformation wait change-set-create-complete --stack-name "$stack" \
      --change-set-name "$change_set-$template" 2>/dev/null; then
      reason=
    else
      reason=$(cloudformation describe-change-set --stack-name "$stack" \
        --change-set-name "$change_set-$template" --query StatusReason --output text)
      forget "$template:$stack:$type"
      planned=${planned% *}
    fi
  fi
  case $reason in
    '') ;;
    *"didn't contain changes"* | *"No updates are to be performed"*)
      printf '\n%s: nothing to change\n' "$stack"
      return
      ;;
    *)
      forget_all
      fail "CloudFormation can't plan the stack $stack: $reason"
      ;;
  esac
  printf '\n%s (%s)\n' "$stack" "$type"
  cloudformation describe-change-set --stack-name "$stack" --change-set-name "$change_set-$template" --output table \
    --query 'Changes[].ResourceChange.{Action:Action,Resource:LogicalResourceId,Type:ResourceType,Replacement:Replacement}'
}

# Removes a change set; where it was to create the stack, also the empty stack that holds it.
forget() {
  local template stack type
  IFS=: read -r template stack type <<<"$1"
  cloudformation delete-change-set --stack-name "$stack" --change-set-name "$change_set-$template"
  [ "$type" != CREATE ] || cloudformation delete-stack --stack-name "$stack"
}

forget_all() {
  local each
  for each in $planned; do forget "$each"; done
}

carry_out() {
  local template stack type done_when
  IFS=: read -r template stack type <<<"$1"
  done_when="stack-create-complete"
  [ "$type" = CREATE ] || done_when="stack-update-complete"
  printf '\n%s: carrying out ...\n' "$stack"
  cloudformation execute-change-set --stack-name "$stack" --change-set-name "$change_set-$template"
  if ! cloudformation wait "$done_when" --stack-name "$stack"; then
    cloudformation describe-stack-events --stack-name "$stack" --output table --query \
      "StackEvents[?contains(ResourceStatus, 'FAILED')].{Resource:LogicalResourceId,Reason:ResourceStatusReason}" || true
    fail "The stack $stack could not be brought up; CloudFormation goes back to what was before."
  fi
}

push_image() {
  local platform=linux/amd64
  [ "$(cat "$values/given/Architecture" 2>/dev/null || previous service Architecture)" != ARM64 ] ||
    platform=linux/arm64
  printf '\nBuilding and pushing %s\n' "$image"
  aws ecr describe-repositories --region "$region" --repository-names "$name" >/dev/null 2>&1 ||
    aws ecr create-repository --region "$region" --repository-name "$name" \
      --image-tag-mutability IMMUTABLE --image-scanning-configuration scanOnPush=true >/dev/null
  if aws ecr describe-images --region "$region" --repository-name "$name" \
    --image-ids "imageTag=${image##*:}" >/dev/null 2>&1; then
    printf 'It is there already.\n'
    return
  fi
  aws ecr get-login-password --region "$region" |
    docker login --username AWS --password-stdin "$registry" >/dev/null
  docker build --platform $platform --tag "$image" "$root"
  docker push "$image"
}

plan data "$name-data"
plan service "$name"
if [ -z "$planned" ]; then
  printf '\nAll is as it should be.\n'
  exit
fi
[ -z "$build" ] || printf '\nBefore that, the image %s is built and pushed to ECR.\n' "$image"
if [ -n "$plan_only" ] || ! confirm "
Carry this out?"; then
  forget_all
  printf '\nNothing was changed.\n'
  exit
fi
[ -z "$build" ] || push_image
for each in $planned; do carry_out "$each"; done

for stack in "$name-data" "$name"; do
  cloudformation describe-stacks --stack-name "$stack" --output table \
    --query 'Stacks[0].Outputs[].{Output:OutputKey,Value:OutputValue}'
done
cat <<NEXT

sheaf runs. What it logs, and a check of the set-up whose findings are in the operator's log:

  aws logs tail /sheaf/$name/worker --follow --region $region
  aws ecs run-task --region $region --launch-type FARGATE --cluster $name --task-definition $name-operator \\
    --network-configuration "$(cloudformation describe-stacks --stack-name "$name" --output text \
      --query "Stacks[0].Outputs[?OutputKey=='Network'].OutputValue")"
  aws logs tail /sheaf/$name/operator --region $region
NEXT
others=$(grep -vx "$own" <<<"$buckets" | sort -u || true)
[ -z "$others" ] || cat <<OTHERS

These buckets are your own. deploy/aws/README.md says how to set their lifecycle rules, and the
notifications of the one that files are routed from:

$others
OTHERS
