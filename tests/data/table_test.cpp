#include "data/table.h"

#include <gmock/gmock.h>

#include "tests/data/support.h"

namespace data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Rows = std::vector<std::vector<std::string>>;

Rows rows_of(const fs::path& path) {
  Table table(path);
  Rows rows;
  while (table.next()) {
    rows.emplace_back();
    for (std::size_t i = 0; i < table.columns().size(); ++i) rows.back().push_back(table.field(i));
  }
  return rows;
}

/// The message of the Error of a table that is called so and holds `text`.
std::string table_error(const std::string& name, const std::string& text) {
  const TemporaryFolder folder;
  return error_of([&] { rows_of(folder.write(name, text)); });
}

TEST(Table, reads_fields_as_rfc_4180_has_them) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("t.CSV",
                                     "\xef\xbb\xbfpath,label,note\r\n"
                                     "\"a, 1.png\",\"rose \"\"red\"\"\",\"two\r\nlines\"\r\n"
                                     "\r\n"
                                     "b.png,o\"ak,\r\n"
                                     "\"\",,last");
  EXPECT_THAT(Table(file).columns(), ElementsAre("path", "label", "note"));
  EXPECT_EQ(rows_of(file),
            (Rows{{"a, 1.png", "rose \"red\"", "two\nlines"}, {"b.png", "o\"ak", ""}, {"", "", "last"}}));
}

TEST(Table, reads_tabs_and_objects_as_it_reads_commas) {
  const TemporaryFolder folder;
  const Rows expected{{"a, b.png", "1"}, {"c.png", ""}};
  EXPECT_EQ(rows_of(folder.write("t.tsv", "path\tlabel\na, b.png\t1\nc.png\t\n")), expected);
  EXPECT_EQ(
      rows_of(folder.write(
          "t.jsonl", "{\"path\": \"a, b.png\", \"label\": 1}\n\n{\"label\": null, \"path\": \"c.png\"}\n")),
      expected);
  EXPECT_TRUE(Table::is_table("x/a.jsonl"));
  EXPECT_FALSE(Table::is_table("x.csv/a.txt"));
}

TEST(Table, errors_name_file_line_and_what_is_wrong) {
  EXPECT_THAT(table_error("t.csv", ""), HasSubstr("t.csv: is empty; its first line names the columns"));
  EXPECT_THAT(table_error("t.csv", "a,b,a\n"), HasSubstr("t.csv:1: has two columns called 'a'"));
  EXPECT_THAT(table_error("t.csv", "a,b\n\n1\n"),
              HasSubstr("t.csv:3: has 1 field where the first line names 2 columns"));
  EXPECT_THAT(table_error("t.csv", "a,b\n1,\"2\n"), HasSubstr("t.csv:2: a field in quotes has no end"));
  EXPECT_THAT(table_error("t.csv", "a,b\n\"1\"2,3\n"),
              HasSubstr("t.csv:2: a field goes on behind its closing quote"));
  EXPECT_THAT(table_error("t.jsonl", "{\"a\": 1}\n[2]\n"), HasSubstr("t.jsonl:2: is no JSON object"));
  EXPECT_THAT(table_error("t.jsonl", "{\"a\": 1}\n{\"b\": 1}\n"), HasSubstr("t.jsonl:2: lacks 'a'"));
  EXPECT_THAT(table_error("t.jsonl", "{\"a\": 1}\n{\"a\": 1, \"b\": 1}\n"),
              HasSubstr("t.jsonl:2: has other fields"));
  EXPECT_THAT(table_error("t.jsonl", "{\"a\": {\"b\": 1}}\n"),
              HasSubstr("t.jsonl:1: 'a' is a list or an object"));
  EXPECT_THAT(table_error("t.jsonl", "{\"a\": 1\n"), HasSubstr("t.jsonl:1"));
}

TEST(Table, fields_that_are_written_are_read_again) {
  const TemporaryFolder folder;
  const std::vector<std::string> fields{"plain", "a,b", "\"", "two\nlines", ""};
  std::string line;
  for (const std::string& field : fields) line += (line.empty() ? "" : ",") + csv_field(field);
  EXPECT_EQ(rows_of(folder.write("t.csv", "1,2,3,4,5\n" + line + "\n")), Rows{fields});
  EXPECT_EQ(csv_field("plain name.png"), "plain name.png");
}

}  // namespace
}  // namespace data
