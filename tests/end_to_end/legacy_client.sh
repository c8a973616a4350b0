#!/usr/bin/env bash
# A client of the documented REST routes, written from their reference, with curl alone.
# usage: legacy_client.sh URL TOKEN VIEWER_TOKEN [HEADER]
# URL without a slash at the end; the database is changed; HEADER goes out with every call.
set -u
url=$1 token=$2 viewer=$3 header=${4:-X-Client: legacy}
api=$url/api/opportunities/
passed=0 failed=0

# call METHOD URL [curl's options]: the status in $status, the headers in $head, the body in $body
call() {
  local method=$1 target=$2
  shift 2
  local answer
  answer=$(curl -sS -i -X "$method" -H "Authorization: Bearer $token" -H "$header" "$@" "$target" | tr -d '\r')
  status=$(sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' <<<"$answer")
  head=$(sed '/^$/,$d' <<<"$answer")
  body=$(sed '1,/^$/d' <<<"$answer")
}
send() { local method=$1 target=$2 data=$3; shift 3; call "$method" "$target" -H 'Content-Type: application/json' --data-binary "$data" "$@"; }
value() { sed -n "s/^{[^[]*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p" <<<"$body"; }        # of the answer's own object
first() { grep -o "\"$1\":\"[^\"]*\"" <<<"$body" | head -n 1 | cut -d'"' -f4; }       # of the first row
rows() { grep -o '"id":"opp_[^"]*"' <<<"$body" | wc -l; }

expect() { # expect WHAT WANTED FOUND
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED %s: wanted %s, found %s\n  %s\n' "$1" "$2" "$3" "${body:0:400}"
  fi
}
says() { # says WHAT TEXT: the answer holds it
  if grep -qiF -- "$2" <<<"$head
$body"; then expect "$1" yes yes; else expect "$1 ($2)" yes no; fi
}
refused() { # refused WHAT STATUS CODE
  expect "$1: status" "$2" "$status"
  says "$1: code" "\"code\":\"$3\""
  says "$1: detail" '"detail":"'
}

# --- list
call GET "$api"
expect 'list: status' 200 "$status"
total=$(value count)
expect 'list: 20 a page' 20 "$(rows)"
for key in id name accountId accountName value stage probability closeDate assignedTo source createdAt updatedAt; do says "list: $key" "\"$key\":"; done
account=$(first accountId)
owner=$(grep -o '"assignedTo":"usr_[^"]*"' <<<"$body" | head -n 1 | cut -d'"' -f4)

# --- every page by its next
next=$api?limit=37 seen=0 pages=0
while [ "$next" != null ] && [ $pages -lt 50 ]; do
  call GET "$next"
  seen=$((seen + $(rows))) pages=$((pages + 1))
  next=$(value next)
  [ "$next" = null ] || next=$(grep -o '"next":"[^"]*"' <<<"$body" | cut -d'"' -f4)
done
expect 'paging: every row once' "$total" "$seen"
previous=$(grep -o '"previous":"[^"]*"' <<<"$body" | cut -d'"' -f4)
call GET "$previous"
expect 'paging: back' 37 "$(rows)"
call GET "$api?limit=5&offset=5"
expect 'paging: by offset' 5 "$(rows)"
call GET "$api?limit=1000"
expect 'paging: at most 100' 100 "$(rows)"

# --- every filter, alone and together
for filter in stage=proposal "accountId=$account" "assignedTo=$owner" closeDateAfter=2026-01-01 closeDateBefore=2027-01-01T00:00:00Z \
  valueMin=10000 valueMax=50000.50 search=an stage=proposal,negotiation; do
  call GET "$api?$filter&limit=100"
  expect "filter $filter: status" 200 "$status"
  expect "filter $filter: finds some" yes "$([ "$(rows)" -gt 0 ] && echo yes)"
  expect "filter $filter: not all" yes "$([ "$(value count)" -lt "$total" ] && echo yes)"
done
call GET "$api?stage=proposal&limit=100"
expect 'filter stage: only those' "$(rows)" "$(grep -o '"stage":"proposal"' <<<"$body" | wc -l)"
call GET "$api?stage=proposal&valueMin=1&valueMax=9999999&closeDateAfter=2020-01-01&closeDateBefore=2030-01-01&search=e"
expect 'filters together: status' 200 "$status"
call GET "$api?accountId=acc_nowhere"
expect 'filter by nobody: empty' 0 "$(value count)"
call GET "$api?search=%25"
expect 'search: % is a character' 0 "$(value count)"
call GET "$api?stage="
expect 'filter without a value: all' "$total" "$(value count)"

# --- create, read
send POST "$api" "{\"name\": \"TechCorp — Professional Services Q2\", \"accountId\": \"$account\", \"value\": 24000, \"stage\": \"qualification\",
  \"probability\": 40, \"closeDate\": \"2025-06-30\", \"assignedTo\": \"$owner\", \"source\": \"outbound\", \"description\": \"Data migration\"}"
expect 'create: status' 201 "$status"
says 'create: location' 'location: '
id=$(first id)
one=$api$id/
says 'create: a whole value is whole' '"value":24000,'
created=$body
call GET "$one"
expect 'read: the same' "$created" "$body"
call GET "${one%/}"
expect 'read without the last slash' "$created" "$body"
call GET "$api"
expect 'list: the newest is the first' "$id" "$(first id)"
send POST "$api" "{\"name\": \"Only what is required\", \"accountId\": \"$account\"}"
says 'create: default stage' '"stage":"prospecting","probability":10'
other=$(first id)

# --- won, lost, reopened
send PATCH "$one" '{"stage": "closed_won", "closedDate": "2025-03-25", "probability": 100}'
expect 'won: status' 200 "$status"
says 'won' '"stage":"closed_won","probability":100,"closeDate":"2025-06-30","closedDate":"2025-03-25"'
send PATCH "$one" '{"stage": "closed_lost", "lossReason": "Chose competitor — price was primary objection"}'
expect 'lost: status' 200 "$status"
says 'lost' '"lossReason":"Chose competitor — price was primary objection"'
send PATCH "$one" '{"stage": "negotiation"}'
says 'reopened' '"stage":"negotiation","probability":80'
says 'reopened: open' '"closedDate":null,"lossReason":null'
send PATCH "$one" '{"assignedTo": null, "value": 48000.5}'
says 'cleared' '"assignedTo":null,"assignedToName":null'
says 'a value to the cent' '"value":48000.5,'
send PATCH "$one" "$body"
expect 'sent back whole: status' 200 "$status"

# --- each error
token=pk_live_nobody call GET "$api"
refused 'unknown token' 401 unauthenticated
says 'unknown token: scheme' 'www-authenticate: bearer'
call GET "$api?page=0"
refused 'page 0' 400 bad_request
says 'page 0: names it' '"field":"page"'
call GET "$api?stage=won"
refused 'unknown stage' 400 bad_request
says 'unknown stage: what is allowed' closed_won
call GET "$api?page=99999"
refused 'past the end' 404 not_found
send POST "$api" '{"name": '
refused 'malformed JSON' 400 bad_request
send POST "$api" '{}'
refused 'nothing given' 422 validation_error
says 'nothing given: name' '"field":"name"'
says 'nothing given: account' '"field":"accountId"'
send POST "$api" '{"name": "N", "accountId": "acc_nowhere"}'
refused 'no such account' 422 validation_error
says 'no such account: names it' '"field":"accountId","code":"not_found"'
send PATCH "$one" '{"lossReason": "early"}'
refused 'a reason for what is not lost' 422 validation_error
call GET "${api}opp_nowhere/"
refused 'no such opportunity' 404 not_found
send PATCH "${api}opp_nowhere/" '{}'
refused 'no such opportunity to change' 404 not_found
call PUT "$one" -H 'Content-Length: 0'
refused 'no such method' 405 method_not_allowed
says 'no such method: what there is' 'allow: GET, HEAD, PATCH, DELETE, OPTIONS'
call GET "$one" -H 'Accept: text/html'
refused 'no JSON wanted' 406 not_acceptable
call POST "$api" -d 'name=N'
refused 'a form' 415 unsupported_media_type
head -c 300000 /dev/zero | tr '\0' ' ' >"${TMPDIR:-/tmp}/legacy_client.$$"
call POST "$api" -H 'Content-Type: application/json' --data-binary "@${TMPDIR:-/tmp}/legacy_client.$$"
rm -f "${TMPDIR:-/tmp}/legacy_client.$$"
refused 'too long a body' 413 too_large
send PATCH "$one" '{}' -H 'If-Match: "1-0"'
refused 'another version' 412 precondition_failed
key="legacy-$id"
send POST "$api" "{\"name\": \"Once\", \"accountId\": \"$account\"}" -H "Idempotency-Key: $key"
once=$(first id)
send POST "$api" "{\"name\": \"Once\", \"accountId\": \"$account\"}" -H "Idempotency-Key: $key"
expect 'a retry: the same record' "$once" "$(first id)"
says 'a retry: says so' 'idempotency-replayed: true'
send POST "$api" "{\"name\": \"Twice\", \"accountId\": \"$account\"}" -H "Idempotency-Key: $key"
refused 'another call by the same key' 422 validation_error
call DELETE "$url/api/accounts/$account/"
refused 'an account with opportunities' 409 conflict
call GET "$one" -H 'Accept: application/problem+json' -H 'Prefer: handling=strict'
expect 'read by a careful client' 200 "$status"
call GET "$api?colour=red" -H 'Prefer: handling=strict' -H 'Accept: application/problem+json'
refused 'unknown parameter, strictly' 400 bad_request
says 'unknown parameter: a problem' 'application/problem+json'
mine=$token token=$viewer
send PATCH "$one" '{}'
refused 'a viewer writes' 403 forbidden
call GET "$one"
expect 'a viewer reads' 200 "$status"
token=$mine

# --- delete
for gone in "$id" "$other" "$once"; do
  call DELETE "$api$gone/"
  expect 'delete: status' 204 "$status"
  expect 'delete: empty' '' "$body"
done
call GET "$one"
refused 'gone' 404 not_found

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
