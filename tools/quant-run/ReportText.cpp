//===- ReportText.cpp - Results for people --------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Short aligned tables with units, and the verdict on the checks.
//
//===----------------------------------------------------------------------===//
#include "ArtifactInfo.h"
#include "Report.h"
#include "Table.h"

#include <cinttypes>
#include <cmath>
#include <cstdarg>
#include <cstdio>

using namespace mlir::qopt;
using namespace mlir::qopt::run;

static std::string format(const char *pattern, ...)
    __attribute__((format(printf, 1, 2)));

static std::string format(const char *pattern, ...) {
  char text[160];
  va_list arguments;
  va_start(arguments, pattern);
  vsnprintf(text, sizeof(text), pattern, arguments);
  va_end(arguments);
  return text;
}

/// A measured value with a unit; "-" where there is none.
static std::string withUnit(double value, const char *unit, int digits) {
  return std::isnan(value) ? "-" : format("%.*f %s", digits, value, unit);
}

static std::string milliseconds(double seconds) {
  return format("%.4g ms", seconds * 1000);
}

//===----------------------------------------------------------------------===//
// Verdict
//===----------------------------------------------------------------------===//

static std::string describe(const BitCheck &check) {
  const BitCheck::Difference &found = *check.firstDifference;
  std::string text = quoteName(check.plans[found.output].spec.name) + " at [";
  for (size_t i = 0; i < found.index.size(); ++i)
    text += (i ? ", " : "") + std::to_string(found.index[i]);
  return text + "] is " + found.first + " and " + found.second;
}

void mlir::qopt::run::judge(Report &report) {
  if (report.reference && report.minSqnrDb) {
    for (const ReferenceCheck::Compared &item : report.reference->compared) {
      double sqnr = item.errors.sqnrDb();
      // Also fails where there is no value.
      if (!(sqnr >= *report.minSqnrDb))
        report.failures.push_back(
            "output " +
            quoteName(report.reference->plans[item.output].spec.name) +
            format(" has an SQNR of %.2f dB; at least %g dB is required", sqnr,
                   *report.minSqnrDb));
    }
    for (size_t output : report.reference->missing)
      report.failures.push_back(
          "output " + quoteName(report.reference->plans[output].spec.name) +
          " is not in the reference");
  }
  if (report.bits && report.bits->firstDifference)
    report.failures.push_back(
        report.model->description() + " and " + report.other->description() +
        " differ in " + std::to_string(report.bits->differing) + " of " +
        std::to_string(report.bits->elements) + " elements by up to " +
        format("%.3g", report.bits->errors.maxAbs()) + "; first: output " +
        describe(*report.bits));
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

static void printSignature(const Model &model) {
  Table table;
  auto add = [&](const char *kind, const std::vector<TensorSpec> &specs) {
    for (const TensorSpec &spec : specs)
      table.add({kind, shown(spec.name), elementTypeName(spec.type),
                 shapeToString(spec.shape),
                 std::to_string(spec.bytes) + " bytes"});
  };
  add("input", model.inputs());
  add("output", model.outputs());
  table.print();
  printf("opened in %.3g s\n", model.openSeconds());
}

static void printRun(const Report &report) {
  const BatchPlan &batch = report.batch;
  if (batch.batch == 0)
    printf("1 run");
  else
    printf("%" PRIu64 " %ssample%s in %" PRIu64 " run%s of %" PRIu64,
           batch.samples, report.generated ? "generated " : "",
           batch.samples == 1 ? "" : "s", batch.runs(),
           batch.runs() == 1 ? "" : "s", batch.batch);
  printf(", %u thread%s: %.3g s, %.4g samples/s\n", report.threads,
         report.threads == 1 ? "" : "s", report.seconds,
         double(batch.samples) / report.seconds);
}

static void printSummary(const Summary &summary) {
  Table table;
  table.add({"output", "type", "shape", "min", "max", "mean"});
  for (size_t i = 0; i < summary.plans.size(); ++i) {
    const OutputPlan &plan = summary.plans[i];
    const ValueStatistics &values = summary.statistics[i];
    table.add(
        {shown(plan.spec.name), elementTypeName(plan.spec.type),
         shapeToString(plan.shape), format("%.6g", values.min()),
         format("%.6g", values.max()), format("%.6g", values.mean()),
         values.nanCount() ? std::to_string(values.nanCount()) + " NaN" : ""});
  }
  table.print();
}

static void printReference(const ReferenceCheck &check) {
  Table table;
  table.add({"against", "max abs", "rms", "SQNR", "cosine", "same argmax"});
  for (const ReferenceCheck::Compared &item : check.compared)
    table.add(
        {shown(item.key), format("%.4g", item.errors.maxAbs()),
         format("%.4g", item.errors.rms()),
         withUnit(item.errors.sqnrDb(), "dB", 2),
         format("%.6f", item.errors.cosine()),
         item.agreement ? withUnit(item.agreement->percent(), "%", 2) : "-"});
  table.print();
  for (size_t output : check.missing)
    printf("output %s is not in the reference\n",
           quoteName(check.plans[output].spec.name).c_str());
}

static void printLabels(const LabelCheck &check) {
  printf("%" PRIu64 " labels %s: ", check.count(),
         quoteName(check.key).c_str());
  if (check.isBinary()) {
    printf("AUC %s\n", withUnit(check.auc(), "%", 2).c_str());
    return;
  }
  printf("top-1 %s", withUnit(check.accuracy().top1Percent(), "%", 2).c_str());
  if (!std::isnan(check.accuracy().top5Percent()))
    printf(", top-5 %.2f %%", check.accuracy().top5Percent());
  printf("\n");
}

static void printBenchmark(const BenchmarkResult &result,
                           const BatchPlan &batch) {
  uint64_t samples = std::max<uint64_t>(batch.batch, 1);
  printf("latency of batch %" PRIu64 ": min %s, median %s, p95 %s (%s, %" PRIu64
         " runs)\n",
         samples, milliseconds(result.minSeconds).c_str(),
         milliseconds(result.medianSeconds).c_str(),
         milliseconds(result.p95Seconds).c_str(),
         result.onDevice ? "on the device, without copies" : "1 thread",
         result.iterations);
  printf("throughput: %.4g samples/s (%u thread%s)\n",
         result.runsPerSecond * double(samples), result.threads,
         result.threads == 1 ? "" : "s");
}

bool mlir::qopt::run::printText(const Report &report) {
  if (report.showSignature && !report.artifact.empty())
    printArtifact(report.file, report.artifact);
  if (!report.model)
    return fflush(stdout) == 0 && !ferror(stdout);
  printf("%s on %s\n", shown(report.file).c_str(),
         report.model->description().c_str());
  if (report.showSignature && report.artifact.empty())
    printSignature(*report.model);
  if (report.hasRun)
    printRun(report);
  if (report.summary)
    printSummary(*report.summary);
  if (report.reference)
    printReference(*report.reference);
  if (report.labels)
    printLabels(*report.labels);
  if (report.bits && !report.bits->firstDifference)
    printf("%s and %s agree in all bits of %" PRIu64 " elements\n",
           report.model->description().c_str(),
           report.other->description().c_str(), report.bits->elements);
  if (report.benchmark)
    printBenchmark(*report.benchmark, report.batch);
  return fflush(stdout) == 0 && !ferror(stdout);
}
