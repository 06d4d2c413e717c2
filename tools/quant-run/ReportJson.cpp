//===- ReportJson.cpp - Results as a JSON object --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Numbers that are not finite become null, as JSON has no others.
//
//===----------------------------------------------------------------------===//
#include "Report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

using namespace mlir::qopt;
using namespace mlir::qopt::run;

using Json = nlohmann::ordered_json;

static Json toJson(const std::vector<TensorSpec> &specs) {
  Json list = Json::array();
  for (const TensorSpec &spec : specs)
    list.push_back({{"name", spec.name},
                    {"dtype", elementTypeName(spec.type)},
                    {"shape", spec.shape},
                    {"bytes", spec.bytes}});
  return list;
}

static Json toJson(const Summary &summary) {
  Json list = Json::array();
  for (size_t i = 0; i < summary.plans.size(); ++i) {
    const OutputPlan &plan = summary.plans[i];
    const ValueStatistics &values = summary.statistics[i];
    list.push_back({{"name", plan.spec.name},
                    {"dtype", elementTypeName(plan.spec.type)},
                    {"shape", plan.shape},
                    {"min", values.min()},
                    {"max", values.max()},
                    {"mean", values.mean()},
                    {"nan_count", values.nanCount()}});
  }
  return list;
}

static Json toJson(const ReferenceCheck &check) {
  Json list = Json::array();
  for (const ReferenceCheck::Compared &item : check.compared)
    list.push_back(
        {{"name", check.plans[item.output].spec.name},
         {"key", item.key},
         {"max_abs", item.errors.maxAbs()},
         {"rms", item.errors.rms()},
         {"sqnr_db", item.errors.sqnrDb()},
         {"cosine", item.errors.cosine()},
         {"argmax_agreement_percent",
          item.agreement ? Json(item.agreement->percent()) : Json()},
         {"non_finite_mismatches", item.errors.nonFiniteMismatches()}});
  return list;
}

static Json toJson(const LabelCheck &check) {
  bool binary = check.isBinary();
  return {
      {"key", check.key},
      {"output", check.plan().spec.name},
      {"count", check.count()},
      {"top1_percent", binary ? Json() : Json(check.accuracy().top1Percent())},
      {"top5_percent", binary ? Json() : Json(check.accuracy().top5Percent())},
      {"auc_percent", binary ? Json(check.auc()) : Json()}};
}

static Json toJson(const BitCheck &check, const Model &first,
                   const Model &second) {
  Json difference;
  if (check.firstDifference) {
    const BitCheck::Difference &found = *check.firstDifference;
    difference = {{"output", check.plans[found.output].spec.name},
                  {"index", found.index},
                  {"values", {found.first, found.second}}};
  }
  return {{"devices", {first.description(), second.description()}},
          {"identical", !check.firstDifference},
          {"elements", check.elements},
          {"differing_elements", check.differing},
          {"max_abs", check.errors.maxAbs()},
          {"first_difference", difference}};
}

static Json toJson(const BenchmarkResult &result, const BatchPlan &batch) {
  constexpr double kMilliseconds = 1000;
  uint64_t samples = std::max<uint64_t>(batch.batch, 1);
  return {{"batch", samples},
          {"iterations", result.iterations},
          {"clock", result.onDevice ? "device" : "host"},
          {"latency_ms",
           {{"min", result.minSeconds * kMilliseconds},
            {"median", result.medianSeconds * kMilliseconds},
            {"p95", result.p95Seconds * kMilliseconds}}},
          {"threads", result.threads},
          {"samples_per_second", result.runsPerSecond * double(samples)}};
}

/// The model as it was opened, or as the artifact describes it.
static Json describeModel(const Report &report, const Json &artifact) {
  if (!report.model)
    return {{"file", report.file},
            {"device", nullptr},
            {"open_seconds", nullptr},
            {"inputs", artifact["inputs"]},
            {"outputs", artifact["outputs"]}};
  return {{"file", report.file},
          {"device", report.model->description()},
          {"open_seconds", report.model->openSeconds()},
          {"inputs", toJson(report.model->inputs())},
          {"outputs", toJson(report.model->outputs())}};
}

bool mlir::qopt::run::printJson(const Report &report) {
  Json artifact;
  if (!report.artifact.empty())
    artifact = Json::parse(report.artifact);
  Json json = {{"schema", 1},
               {"tool", std::string("quant-run ") + qopt_version()},
               {"model", describeModel(report, artifact)}};
  if (report.showSignature && !artifact.is_null())
    json["artifact"] = artifact;
  if (report.hasRun)
    json["run"] = {
        {"samples", report.batch.samples},
        {"batch", std::max<uint64_t>(report.batch.batch, 1)},
        {"runs", report.batch.runs()},
        {"threads", report.threads},
        {"seconds", report.seconds},
        {"samples_per_second", double(report.batch.samples) / report.seconds},
        {"generated_inputs", report.generated}};
  if (report.summary)
    json["outputs"] = toJson(*report.summary);
  if (report.reference) {
    json["reference"] = toJson(*report.reference);
    json["min_sqnr_db"] = report.minSqnrDb ? Json(*report.minSqnrDb) : Json();
  }
  if (report.labels)
    json["labels"] = toJson(*report.labels);
  if (report.bits)
    json["verify"] = toJson(*report.bits, *report.model, *report.other);
  if (report.benchmark)
    json["benchmark"] = toJson(*report.benchmark, report.batch);
  json["passed"] = report.failures.empty();
  json["failures"] = report.failures;
  // Names come from files and need not be UTF-8.
  std::string text =
      json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         fflush(stdout) == 0;
}
