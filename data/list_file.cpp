#include "data/list_file.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "data/lines.h"
#include "data/spelling.h"
#include "data/split_names.h"
#include "data/table.h"
#include "engine/base/text.h"
#include "engine/io/in_quotes.h"

namespace data {
namespace {

namespace fs = std::filesystem;
using engine::in_quotes;

/// Collects images under the labels that they have.
class Collected {
 public:
  ListedImages list;

  /// `rows` knows where() the image is listed.
  template <class Rows>
  void add(std::string path, std::string_view label, const Rows& rows) {
    const auto [at, is_new] = places_.emplace(label, static_cast<Index>(list.labels.size()));
    if (is_new) list.labels.emplace_back(label), list.where.push_back(rows.where());
    list.images.push_back({std::move(path), at->second});
  }

 private:
  std::unordered_map<std::string, Index> places_;
};

/// The image of a line `path label`; `refuse` throws an Error for the line.
template <class Refuse>
void add_line(std::string_view text, const fs::path& root, Collected& all, const Lines& lines,
              Refuse&& refuse) {
  constexpr auto npos = std::string_view::npos;
  const std::size_t space = text.find_last_of(" \t");
  if (space == npos)
    refuse(in_quotes(text),
           "is not a path, a space and a label; a list with columns is called .csv, .tsv or .jsonl");
  const std::size_t end = text.find_last_not_of(" \t", space);
  if (end == npos) refuse("no path before the label");
  const std::string_view label = text.substr(space + 1);
  if (!is_whole_number(label)) refuse("label", in_quotes(label), "is not a whole number of 0 or more");
  all.add((root / text.substr(0, end + 1)).string(), label, lines);
}

ListedImages read_lines(const fs::path& path, const fs::path& root) {
  Collected all;
  Lines lines(path);
  auto refuse = [&](const auto&... parts) { throw Error(engine::say(lines.where(), parts...)); };
  while (const auto line = lines.next()) {
    const std::string_view text = line->substr(0, line->find_last_not_of(" \t") + 1);
    if (!text.empty()) add_line(text, root, all, lines, refuse);
  }
  check(!all.list.images.empty(), path.string() + ":",
        "no images in this list; a line is a path, a space and a label");
  all.list.plain = true;
  return std::move(all.list);
}

/// The columns of a table by what people call them.
class Columns {
 public:
  Columns(const fs::path& path, const Table& table) : path_(path), table_(table) {}

  /// The one column of these names, in any case. Throws an Error when there are several.
  std::optional<std::size_t> find(std::initializer_list<std::string_view> names, const char* what) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < table_.columns().size(); ++i)
      if (std::ranges::find(names, in_lower_case(table_.columns()[i])) != names.end()) found.push_back(i);
    return only(found, what);
  }
  /// The one whose name has this end.
  std::optional<std::size_t> find_end(std::string_view end, const char* what) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < table_.columns().size(); ++i)
      if (in_lower_case(table_.columns()[i]).ends_with(end)) found.push_back(i);
    return only(found, what);
  }
  [[noreturn]] void lacks(const std::string& wanted) const {
    const std::vector<std::string>& names = table_.columns();
    std::string hint;
    if (names.size() == 1 && names[0].find(';') != std::string::npos)
      hint = "; semicolons separate nothing here: a .csv has commas";
    throw Error(engine::say(path_.string() + ":", "has no column", wanted + "; its columns are",
                            in_quotes(engine::join(names, ", "))) +
                hint);
  }

 private:
  std::optional<std::size_t> only(const std::vector<std::size_t>& found, const char* what) const {
    if (found.empty()) return std::nullopt;
    check(found.size() == 1, path_.string() + ":", "the columns", in_quotes(table_.columns()[found[0]]),
          "and", in_quotes(table_.columns()[found.back()]), "would each be the",
          std::string(what) + "; one of them is right");
    return found[0];
  }
  const fs::path& path_;
  const Table& table_;
};

ListedImages read_table(const fs::path& path, const fs::path& root, const ListColumns& wanted) {
  Table table(path);
  const Columns columns(path, table);
  auto file = columns.find({"path", "file", "file_name", "image"}, "path");
  if (!file) file = columns.find_end("_file_name", "path");
  if (!file) columns.lacks("path (or file, file_name, image)");
  const auto label = columns.find({"label", "class"}, "label"), split = columns.find({"split"}, "split");
  if (!label && wanted.needs_labels) columns.lacks("label (or class)");
  std::optional<std::size_t> group;
  if (!wanted.group.empty()) {
    const auto at = std::ranges::find(table.columns(), wanted.group);
    if (at == table.columns().end()) columns.lacks(in_quotes(wanted.group) + ", as --group names it");
    group = static_cast<std::size_t>(at - table.columns().begin());
  }
  Collected all;
  const auto filled = [&](std::size_t column, const char* what) -> const std::string& {
    const std::string& text = table.field(column);
    check(!text.empty(), table.where(), "has no", what);
    return text;
  };
  while (table.next()) {
    const fs::path name = filled(*file, "path");
    all.add((root / name).lexically_normal().string(), label ? filled(*label, "label") : std::string(),
            table);
    if (group) all.list.groups.push_back(filled(*group, "group"));
    if (!split) continue;
    const std::string& text = filled(*split, "split");
    const std::string_view named = split_named(text);
    check(!named.empty() && named != "contested", table.where(), "split", in_quotes(text),
          named.empty() ? "is not train, val or test"
                        : "is test for Hugging Face's datasets and val for timm; write train, val or test");
    all.list.splits.emplace_back(named);
  }
  check(!all.list.images.empty(), path.string() + ":", "no images in this list");
  return std::move(all.list);
}

}  // namespace

bool is_whole_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

ListedImages read_list(const fs::path& path, const fs::path& root, const ListColumns& columns) {
  if (!Table::is_table(path))
    check(columns.group.empty(), path.string() + ":", "has no columns, as --group needs");
  ListedImages list = Table::is_table(path) ? read_table(path, root, columns) : read_lines(path, root);
  list.numbered = std::ranges::all_of(list.labels, is_whole_number);
  return list;
}

void note_repeats(const fs::path& list, const std::vector<ImageFiles::Entry>& images,
                  std::vector<std::string>& notes) {
  std::vector<std::uint32_t> order(images.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return images[a].path < images[b].path; });
  Index repeats = 0, contradictions = 0;
  const std::string *repeated = nullptr, *contradictory = nullptr;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const ImageFiles::Entry &before = images[order[i - 1]], &image = images[order[i]];
    if (image.path != before.path) continue;
    ++repeats;
    if (!repeated) repeated = &image.path;
    if (image.label == before.label) continue;
    ++contradictions;
    if (!contradictory) contradictory = &image.path;
  }
  const std::string who = list.string() + ":";
  if (repeats > 0)
    notes.push_back(engine::say(who, repeats, repeats == 1 ? "line repeats" : "lines repeat",
                                "an image of another line, such as", *repeated + "; all count"));
  if (contradictions > 0)
    notes.push_back(engine::say(who, contradictions, "of them with another label, such as",
                                *contradictory + "; is that meant?"));
}

}  // namespace data
