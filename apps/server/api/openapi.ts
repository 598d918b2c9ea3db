// The description of the HTTP API for programs: OpenAPI, written by hand and held against the route table by a test.

/** The document for OpenAPI `version` (3.1 or 3.2), of this server's `apiVersion`. */
export function openApiText(version: "3.1" | "3.2", apiVersion: string): string {
  return `openapi: ${version}.0
info:
  title: Prometheus HTTP API
  description: The stable API of Prometheus, as Narthex serves it, and what Narthex adds to it.
  version: ${JSON.stringify(apiVersion)}
  license: {name: Apache-2.0, identifier: Apache-2.0}
servers:
  - url: /api/v1
${PATHS}${COMPONENTS}`;
}

const PATHS = `paths:
  /query:
    get: {operationId: query, summary: Evaluate an expression at one moment, tags: [query], parameters: [{$ref: "#/components/parameters/query"}, {$ref: "#/components/parameters/time"}, {$ref: "#/components/parameters/timeout"}, {$ref: "#/components/parameters/limit"}, {$ref: "#/components/parameters/lookback_delta"}, {$ref: "#/components/parameters/stats"}, {$ref: "#/components/parameters/format"}, {$ref: "#/components/parameters/explain"}], responses: &query {"200": {description: The result, content: {application/json: {schema: {$ref: "#/components/schemas/QueryAnswer"}}, "text/csv; charset=utf-8; header=present": {schema: {type: string}}}}, "400": &bad {description: A parameter cannot be understood, content: {application/json: {schema: {$ref: "#/components/schemas/Refusal"}}}}, "422": {description: The expression cannot be evaluated, content: {application/json: {schema: {$ref: "#/components/schemas/Refusal"}}}}, "503": {description: The query took too long, content: {application/json: {schema: {$ref: "#/components/schemas/Refusal"}}}}}}
    post: {operationId: queryPost, summary: The same with parameters in a form, tags: [query], requestBody: {content: {application/x-www-form-urlencoded: {schema: {$ref: "#/components/schemas/InstantForm"}}}}, responses: *query}
  /query_range:
    get: {operationId: queryRange, summary: Evaluate an expression over a range of time, tags: [query], parameters: [{$ref: "#/components/parameters/query"}, {$ref: "#/components/parameters/rangeStart"}, {$ref: "#/components/parameters/rangeEnd"}, {$ref: "#/components/parameters/step"}, {$ref: "#/components/parameters/timeout"}, {$ref: "#/components/parameters/limit"}, {$ref: "#/components/parameters/lookback_delta"}, {$ref: "#/components/parameters/stats"}, {$ref: "#/components/parameters/format"}, {$ref: "#/components/parameters/explain"}], responses: *query}
    post: {operationId: queryRangePost, summary: The same with parameters in a form, tags: [query], requestBody: {content: {application/x-www-form-urlencoded: {schema: {$ref: "#/components/schemas/RangeForm"}}}}, responses: *query}
  /query_exemplars:
    get: {operationId: queryExemplars, summary: Exemplars of the series that an expression selects, tags: [query], parameters: [{$ref: "#/components/parameters/query"}, {$ref: "#/components/parameters/start"}, {$ref: "#/components/parameters/end"}], responses: &any {"200": {description: The answer, content: {application/json: {schema: {$ref: "#/components/schemas/Answer"}}}}, "204": {description: There is nothing to say}, "400": *bad}}
    post: {operationId: queryExemplarsPost, summary: The same with parameters in a form, tags: [query], responses: *any}
  /format_query:
    get: {operationId: formatQuery, summary: An expression in its pretty form, tags: [query], parameters: [{$ref: "#/components/parameters/query"}], responses: *any}
    post: {operationId: formatQueryPost, summary: The same with parameters in a form, tags: [query], responses: *any}
  /parse_query:
    get: {operationId: parseQuery, summary: An expression's syntax tree, tags: [query], parameters: [{$ref: "#/components/parameters/query"}], responses: *any}
    post: {operationId: parseQueryPost, summary: The same with parameters in a form, tags: [query], responses: *any}
  /series:
    get: {operationId: series, summary: Label sets of the series that match, tags: [metadata], parameters: &selection [{$ref: "#/components/parameters/match"}, {$ref: "#/components/parameters/start"}, {$ref: "#/components/parameters/end"}, {$ref: "#/components/parameters/limit"}], responses: *any}
    post: {operationId: seriesPost, summary: The same with parameters in a form, tags: [metadata], responses: *any}
    delete: {operationId: seriesDelete, summary: Not implemented, deprecated: true, tags: [metadata], responses: {"500": {description: Always, content: {application/json: {schema: {$ref: "#/components/schemas/Refusal"}}}}}}
  /labels:
    get: {operationId: labels, summary: Names of labels, tags: [metadata], parameters: *selection, responses: *any}
    post: {operationId: labelsPost, summary: The same with parameters in a form, tags: [metadata], responses: *any}
  /label/{name}/values:
    get: {operationId: labelValues, summary: Values of one label, tags: [metadata], parameters: [{name: name, in: path, required: true, schema: {type: string}}, {$ref: "#/components/parameters/match"}, {$ref: "#/components/parameters/start"}, {$ref: "#/components/parameters/end"}, {$ref: "#/components/parameters/limit"}], responses: *any}
  /search/metric_names:
    get: {operationId: searchMetricNames, summary: "Names of metrics for what somebody types, if --enable-feature=search-api is set", tags: [metadata], parameters: [{$ref: "#/components/parameters/match"}, {name: "search[]", in: query, schema: {type: array, maxItems: 32, items: {type: string}}}, {name: fuzz_threshold, in: query, schema: {type: integer, minimum: 0, maximum: 100}}, {name: fuzz_alg, in: query, schema: {type: string, enum: [subsequence, jarowinkler]}}, {name: case_sensitive, in: query, schema: {type: boolean, default: true}}, {name: sort_by, in: query, schema: {type: string, enum: [alpha, score]}}, {name: sort_dir, in: query, schema: {type: string, enum: [asc, dsc]}}, {name: include_score, in: query, schema: {type: boolean}}, {$ref: "#/components/parameters/start"}, {$ref: "#/components/parameters/end"}, {$ref: "#/components/parameters/limit"}, {name: batch_size, in: query, schema: {type: integer}}, {name: include_metadata, in: query, schema: {type: boolean}}], responses: &lines {"200": {description: "A line of JSON for each batch of results, and one that closes", content: {application/x-ndjson: {schema: {type: string}}}}, "400": *bad}}
    post: {operationId: searchMetricNamesPost, summary: The same with parameters in a form, tags: [metadata], responses: *lines}
  /search/label_names:
    get: {operationId: searchLabelNames, summary: "The same for names of labels", tags: [metadata], parameters: [{$ref: "#/components/parameters/match"}, {name: "search[]", in: query, schema: {type: array, maxItems: 32, items: {type: string}}}, {name: fuzz_threshold, in: query, schema: {type: integer, minimum: 0, maximum: 100}}, {name: fuzz_alg, in: query, schema: {type: string, enum: [subsequence, jarowinkler]}}, {name: case_sensitive, in: query, schema: {type: boolean, default: true}}, {name: sort_by, in: query, schema: {type: string, enum: [alpha, score]}}, {name: sort_dir, in: query, schema: {type: string, enum: [asc, dsc]}}, {name: include_score, in: query, schema: {type: boolean}}, {$ref: "#/components/parameters/start"}, {$ref: "#/components/parameters/end"}, {$ref: "#/components/parameters/limit"}, {name: batch_size, in: query, schema: {type: integer}}], responses: *lines}
    post: {operationId: searchLabelNamesPost, summary: The same with parameters in a form, tags: [metadata], responses: *lines}
  /search/label_values:
    get: {operationId: searchLabelValues, summary: "The same for values of one label", tags: [metadata], parameters: [{$ref: "#/components/parameters/match"}, {name: "search[]", in: query, schema: {type: array, maxItems: 32, items: {type: string}}}, {name: fuzz_threshold, in: query, schema: {type: integer, minimum: 0, maximum: 100}}, {name: fuzz_alg, in: query, schema: {type: string, enum: [subsequence, jarowinkler]}}, {name: case_sensitive, in: query, schema: {type: boolean, default: true}}, {name: sort_by, in: query, schema: {type: string, enum: [alpha, score]}}, {name: sort_dir, in: query, schema: {type: string, enum: [asc, dsc]}}, {name: include_score, in: query, schema: {type: boolean}}, {$ref: "#/components/parameters/start"}, {$ref: "#/components/parameters/end"}, {$ref: "#/components/parameters/limit"}, {name: batch_size, in: query, schema: {type: integer}}, {name: label, in: query, required: true, schema: {type: string}}], responses: *lines}
    post: {operationId: searchLabelValuesPost, summary: The same with parameters in a form, tags: [metadata], responses: *lines}
  /metadata:
    get: {operationId: metadata, summary: "Type, help and unit by metric", tags: [metadata], parameters: [{name: metric, in: query, schema: {type: string}}, {$ref: "#/components/parameters/limit"}, {name: limit_per_metric, in: query, schema: {type: integer}}], responses: *any}
  /targets:
    get: {operationId: targets, summary: "Targets, scraped and dropped", tags: [targets], parameters: [{name: state, in: query, schema: {type: string, enum: [active, dropped, any]}}, {name: scrapePool, in: query, schema: {type: string}}], responses: *any}
  /targets/metadata:
    get: {operationId: targetMetadata, summary: Metadata by target, tags: [targets], parameters: [{name: match_target, in: query, schema: {type: string}}, {name: metric, in: query, schema: {type: string}}, {$ref: "#/components/parameters/limit"}], responses: *any}
  /targets/relabel_steps:
    get: {operationId: relabelSteps, summary: What each relabeling rule of a pool makes of labels, tags: [targets], parameters: [{$ref: "#/components/parameters/scrapePool"}, {name: labels, in: query, required: true, schema: {type: string}, description: A JSON object of texts}], responses: *any}
  /targets/scrape:
    post: {operationId: scrapeNow, summary: "Scrape one active target now, without storing: the parsed page with mistakes by line; for operators", tags: [targets], parameters: [{$ref: "#/components/parameters/scrapePool"}, {name: scrapeUrl, in: query, required: true, schema: {type: string}}, {$ref: "#/components/parameters/limit"}], responses: *any}
  /scrape_pools:
    get: {operationId: scrapePools, summary: Names of all scrape pools, tags: [targets], responses: *any}
  /scrape_pools/config:
    get: {operationId: scrapePoolConfig, summary: One pool's configuration as YAML, tags: [targets], parameters: [{$ref: "#/components/parameters/scrapePool"}], responses: *any}
  /write:
    post: {operationId: remoteWrite, summary: "Take samples by remote write 1.0 or 2.0, if --web.enable-remote-write-receiver is set", tags: [remote], requestBody: {required: true, content: {application/x-protobuf: {schema: {type: string, format: binary, description: Compressed by snappy}}}}, responses: {"204": {description: Taken}, "400": &plain {description: "Not taken, and not to be sent again", content: {text/plain: {schema: {type: string}}}}, "404": *plain, "415": *plain, "500": *plain}}
  /read:
    post: {operationId: remoteRead, summary: Hand out samples by remote read, tags: [remote], requestBody: {required: true, content: {application/x-protobuf: {schema: {type: string, format: binary, description: Compressed by snappy}}}}, responses: {"200": {description: "All series, or a stream of their chunks", content: {application/x-protobuf: {schema: {type: string, format: binary}}, application/x-streamed-protobuf: {schema: {type: string, format: binary}}}}, "400": *plain, "500": *plain}}
  /otlp/v1/metrics:
    post: {operationId: otlpMetrics, summary: "Take metrics of OpenTelemetry, if --web.enable-otlp-receiver is set", tags: [remote], requestBody: {required: true, content: {application/x-protobuf: {schema: {type: string, format: binary}}, application/json: {schema: {type: object}}}}, responses: {"200": {description: Taken}, "400": *plain, "404": *plain, "500": *plain}}
  /alertmanagers:
    get: {operationId: alertmanagers, summary: Alertmanagers that are known, tags: [alerting], responses: *any}
  /rules:
    get: {operationId: rules, summary: Rule groups and how they fare, tags: [alerting], parameters: [{name: type, in: query, schema: {type: string, enum: [alert, record]}}, {name: "rule_name[]", in: query, schema: {type: array, items: {type: string}}}, {name: "rule_group[]", in: query, schema: {type: array, items: {type: string}}}, {name: "file[]", in: query, schema: {type: array, items: {type: string}}}, {$ref: "#/components/parameters/match"}, {name: exclude_alerts, in: query, schema: {type: boolean}}, {name: group_limit, in: query, schema: {type: integer}}, {name: group_next_token, in: query, schema: {type: string}}], responses: *any}
  /alerts:
    get: {operationId: alerts, summary: Pending and firing alerts, tags: [alerting], responses: *any}
  /alerts/history:
    get: {operationId: alertHistory, summary: "The steps of alerts (pending, firing, resolved, inactive), newest first", tags: [alerting], parameters: [{$ref: "#/components/parameters/match"}, {name: state, in: query, schema: {type: array, items: {type: string, enum: [pending, firing, resolved, inactive]}}}, {$ref: "#/components/parameters/start"}, {$ref: "#/components/parameters/end"}, {$ref: "#/components/parameters/limit"}], responses: *any}
  /rules/backfill:
    post: {operationId: backfillRule, summary: "Compute a recording rule in force from a time on, in the background; for operators", tags: [alerting], requestBody: {content: {application/x-www-form-urlencoded: {schema: {type: object, required: [record, start], properties: {record: {type: string}, group: {type: string}, file: {type: string}, start: {type: string}, end: {type: string}}}}}}, responses: *any}
    get: {operationId: backfills, summary: "How rules that are computed for the past get on; for operators", tags: [alerting], responses: *any}
    delete: {operationId: cancelBackfill, summary: "Call one off, what was written stays; for operators", tags: [alerting], parameters: [{name: id, in: query, required: true, schema: {type: integer}}], responses: *any}
  /rules/backtest:
    post: {operationId: backtestRule, summary: "When an alerting rule, in force or sent along, would have fired over past data", tags: [alerting], requestBody: {content: {application/x-www-form-urlencoded: {schema: {type: object, required: [start], properties: {alert: {type: string}, group: {type: string}, file: {type: string}, rules: {type: string, description: "A rule file's text, in place of the rules in force"}, start: {type: string}, end: {type: string}, step: {type: string}, limit: {type: integer}, timeout: {type: string}}}}}}, responses: *query}
  /status/config:
    get: {operationId: config, summary: The configuration in force, tags: [status], responses: *any}
  /status/flags:
    get: {operationId: flags, summary: All flags as texts, tags: [status], responses: *any}
  /status/buildinfo:
    get: {operationId: buildInfo, summary: What was built when, tags: [status], responses: *any}
  /status/runtimeinfo:
    get: {operationId: runtimeInfo, summary: The running process, tags: [status], responses: *any}
  /status/tsdb:
    get: {operationId: tsdbStatus, summary: What fills the head, tags: [status], parameters: [{$ref: "#/components/parameters/limit"}], responses: *any}
  /status/tsdb/blocks:
    get: {operationId: tsdbBlocks, summary: The blocks on disk, tags: [status], responses: *any}
  /status/walreplay:
    get: {operationId: walReplay, summary: How far the log's replay is, tags: [status], responses: *any}
  /status/active_queries:
    get: {operationId: activeQueries, summary: "Queries that run or wait and who asked them; for operators: users that logged in, clients of the same machine, or all if --web.enable-admin-api is set", tags: [status], responses: *any}
    delete: {operationId: killQuery, summary: "End one of them; for operators", tags: [status], parameters: [{name: id, in: query, required: true, schema: {type: integer}}], responses: *any}
  /features:
    get: {operationId: features, summary: What this server can do, tags: [status], responses: *any}
  /openapi.yaml:
    get: {operationId: openApi, summary: This document, tags: [status], parameters: [{name: openapi_version, in: query, schema: {type: string, enum: ["3.1", "3.2"]}}], responses: {"200": {description: The document, content: {application/yaml: {schema: {type: string}}}}}}
  /notifications:
    get: {operationId: notifications, summary: What a person should know now, tags: [status], responses: *any}
  /notifications/live:
    get: {operationId: liveNotifications, summary: The same as a stream of events, tags: [status], responses: {"200": {description: The stream, content: {text/event-stream: {schema: {type: string}}}}, "204": {description: Too many listen already}}}
  /admin/tsdb/delete_series:
    post: {operationId: deleteSeries, summary: Delete samples of the series that match, tags: [admin], parameters: [{$ref: "#/components/parameters/match"}, {$ref: "#/components/parameters/start"}, {$ref: "#/components/parameters/end"}], responses: *any}
    put: {operationId: deleteSeriesPut, summary: The same, tags: [admin], responses: *any}
  /admin/tsdb/clean_tombstones:
    post: {operationId: cleanTombstones, summary: Remove deleted samples from disk, tags: [admin], responses: *any}
    put: {operationId: cleanTombstonesPut, summary: The same, tags: [admin], responses: *any}
  /admin/tsdb/snapshot:
    post: {operationId: snapshot, summary: A copy of all data in a folder of its own, tags: [admin], parameters: [{name: skip_head, in: query, schema: {type: boolean}}], responses: *any}
    put: {operationId: snapshotPut, summary: The same, tags: [admin], responses: *any}
`;

const COMPONENTS = `components:
  parameters:
    query: {name: query, in: query, required: true, schema: {type: string}, description: A PromQL expression}
    time: {name: time, in: query, schema: {$ref: "#/components/schemas/Time"}, description: Now unless given}
    start: {name: start, in: query, schema: {$ref: "#/components/schemas/Time"}}
    end: {name: end, in: query, schema: {$ref: "#/components/schemas/Time"}}
    rangeStart: {name: start, in: query, required: true, schema: {$ref: "#/components/schemas/Time"}}
    rangeEnd: {name: end, in: query, required: true, schema: {$ref: "#/components/schemas/Time"}}
    step: {name: step, in: query, required: true, schema: {$ref: "#/components/schemas/Duration"}}
    timeout: {name: timeout, in: query, schema: {$ref: "#/components/schemas/Duration"}}
    lookback_delta: {name: lookback_delta, in: query, schema: {$ref: "#/components/schemas/Duration"}}
    limit: {name: limit, in: query, schema: {type: integer, minimum: 0}, description: 0 means all}
    stats: {name: stats, in: query, schema: {type: string}, description: Anything asks for statistics}
    format: {name: format, in: query, schema: {$ref: "#/components/schemas/Format"}, description: "Not in Prometheus. csv answers a table (RFC 4180): one line for each point, a column for each label, then timestamp and value. Nothing else of the answer has a place in it; refusals stay JSON"}
    explain: {name: explain, in: query, schema: {type: string, enum: ["1"]}, description: "Not in Prometheus. 1 adds data.explain: for each part of the expression how long it took and how many series and samples it had, and for an empty result the first part without data"}
    match: {name: "match[]", in: query, schema: {type: array, items: {type: string}}, description: Series selectors}
    scrapePool: {name: scrapePool, in: query, required: true, schema: {type: string}}
  schemas:
    Time: {type: string, description: Seconds since 1970 or RFC 3339}
    Duration: {type: string, description: Seconds or a duration like 5m}
    Answer: {type: object, required: [status], properties: {status: {const: success}, data: {}, warnings: {type: array, items: {type: string}}, infos: {type: array, items: {type: string}}}}
    QueryAnswer: {type: object, required: [status, data], properties: {status: {const: success}, data: {type: object, required: [resultType, result], properties: {resultType: {enum: [vector, matrix, scalar, string]}, result: {}, stats: {type: object}, explain: {$ref: "#/components/schemas/Explanation"}}}, warnings: {type: array, items: {type: string}}, infos: {type: array, items: {type: string}}}}
    Format: {type: string, enum: [json, csv], default: json}
    InstantForm: {type: object, required: [query], properties: &form {query: {type: string}, timeout: {$ref: "#/components/schemas/Duration"}, limit: {type: integer, minimum: 0}, lookback_delta: {$ref: "#/components/schemas/Duration"}, stats: {type: string}, format: {$ref: "#/components/schemas/Format"}, explain: {type: string, enum: ["1"]}, time: {$ref: "#/components/schemas/Time"}, start: {$ref: "#/components/schemas/Time"}, end: {$ref: "#/components/schemas/Time"}, step: {$ref: "#/components/schemas/Duration"}}}
    RangeForm: {type: object, required: [query, start, end, step], properties: *form}
    Explanation: {type: object, required: [root], properties: {root: {$ref: "#/components/schemas/ExplainedPart"}, empty: {type: object, description: The first part without data, properties: {start: {type: integer}, end: {type: integer}, label: {type: string}, value: {type: string}, nearest: {type: string}}}}}
    ExplainedPart: {type: object, required: [kind, name, start, end, seconds, seriesIn, seriesOut, samplesRead, children], properties: {kind: {enum: [binary, aggregate, call, unary, selector, range, subquery, number, string]}, name: {type: string}, start: {type: integer}, end: {type: integer}, seconds: {type: number}, seriesIn: {type: integer}, seriesOut: {type: integer}, samplesRead: {type: integer}, children: {type: array, items: {$ref: "#/components/schemas/ExplainedPart"}}}}
    Refusal: {type: object, required: [status, errorType, error], properties: {status: {const: error}, errorType: {enum: [bad_data, execution, canceled, timeout, internal, not_found, not_acceptable, unavailable, forbidden, overloaded]}, error: {type: string}}}
`;
