#include "tools/cli/roofline.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"

namespace cli {

using engine::OpRow;
using nlohmann::ordered_json;

namespace {

struct Row {
  std::string kind;
  std::vector<Index> shape;
  Index calls = 0, multiply_adds = 0, bytes = 0;
  double seconds = 0;

  void add(const Row& other) {
    calls += other.calls, multiply_adds += other.multiply_adds, bytes += other.bytes;
    seconds += other.seconds;
  }
  /// Of `count` passes that did the same, one.
  void divide(Index count) {
    calls /= count, multiply_adds /= count, bytes /= count;
    seconds /= static_cast<double>(count);
  }
};

Row row_of(const OpRow& op) {
  const auto& shape = op.work.shape;
  return {(op.recomputed ? "recompute " : "") + std::string(op.work.kind),
          {shape.begin(), std::ranges::find(shape, 0)},
          op.calls,
          op.work.multiply_adds,
          static_cast<Index>(op.work.bytes),
          op.seconds};
}

/// The passes, one or two, whose time is the median.
std::vector<ProfiledPass> middle(std::vector<ProfiledPass> passes) {
  std::ranges::sort(passes, {}, &ProfiledPass::seconds);
  const std::ptrdiff_t count = std::ssize(passes);
  return {passes.begin() + (count - 1) / 2, passes.begin() + count / 2 + 1};
}

/// A pass of the mean time of `passes`, longest op first; what no op did comes last.
std::vector<Row> mean(const std::vector<ProfiledPass>& passes) {
  Row rest{.kind = "everything else", .shape = {}};
  std::map<std::pair<std::string, std::vector<Index>>, Row> sums;
  for (const ProfiledPass& pass : passes) {
    rest.seconds += pass.seconds;
    rest.multiply_adds += pass.multiply_adds;
    for (const OpRow& op : pass.rows) {
      const Row row = row_of(op);
      rest.seconds -= row.seconds;
      rest.multiply_adds -= row.multiply_adds;
      sums.try_emplace({row.kind, row.shape}, Row{row.kind, row.shape}).first->second.add(row);
    }
  }
  std::vector<Row> rows;
  for (const auto& [key, row] : sums) rows.push_back(row);
  std::ranges::stable_sort(rows, std::greater(), &Row::seconds);
  rows.push_back(rest);
  for (Row& row : rows) row.divide(std::ssize(passes));
  return rows;
}

ordered_json row_json(const Row& row, double pass_seconds, const Roof& roof) {
  const auto rate = [&](Index work) {
    return row.seconds > 0 ? static_cast<double>(work) / row.seconds / 1e9 : 0;
  };
  const double gflops = rate(2 * row.multiply_adds), gb_s = rate(row.bytes);
  return {{"kind", row.kind},
          {"shape", row.shape},
          {"calls", row.calls},
          {"seconds", row.seconds},
          {"share", row.seconds / pass_seconds},
          {"multiply_adds", row.multiply_adds},
          {"gflops", gflops},
          {"peak_share", gflops / roof.gflops},
          {"mb", static_cast<double>(row.bytes) / 1e6},
          {"gb_s", gb_s},
          {"bandwidth_share", gb_s / roof.gb_s}};
}

std::string shape_text(const ordered_json& shape) {
  std::vector<std::string> words;
  for (const ordered_json& length : shape) words.push_back(std::to_string(length.get<Index>()));
  return engine::join(words, " x ");
}

/// A column of numbers; a row that has none of them says so.
struct Column {
  const char *title, *field;
  double factor;
  int digits;
};
constexpr Column kColumns[] = {
    {"calls", "calls", 1, 0},
    {"ms", "seconds", 1e3, 2},
    {"%", "share", 100, 1},
    {"GFLOP/s", "gflops", 1, 1},
    {"% of peak", "peak_share", 100, 1},
    {"MB", "mb", 1, 2},
    {"GB/s", "gb_s", 1, 1},
    {"% of memory", "bandwidth_share", 100, 1},
};

}  // namespace

ordered_json roofline(std::vector<ProfiledPass> passes, const Roof& roof) {
  const std::vector<ProfiledPass> chosen = middle(std::move(passes));
  double seconds = 0;
  for (const ProfiledPass& pass : chosen) seconds += pass.seconds / static_cast<double>(chosen.size());
  ordered_json rows = ordered_json::array();
  for (const Row& row : mean(chosen)) rows.push_back(row_json(row, seconds, roof));
  return rows;
}

std::string roofline_table(const ordered_json& rows) {
  std::vector<std::vector<std::string>> lines{{"op", "shape"}};
  for (const Column& column : kColumns) lines[0].emplace_back(column.title);
  for (const ordered_json& row : rows) {
    std::vector<std::string> line{row["kind"], shape_text(row["shape"])};
    for (const Column& column : kColumns) {
      const double value = row[column.field];
      line.push_back(value > 0 ? engine::fixed(column.factor * value, column.digits) : "-");
    }
    lines.push_back(std::move(line));
  }
  std::vector<std::size_t> widths(lines[0].size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string space(widths[i] - line[i].size(), ' ');
      text += i == 0 ? line[i] + space : i == 1 ? "  " + line[i] + space : "  " + space + line[i];
    }
    text += '\n';
  }
  return text;
}

}  // namespace cli
