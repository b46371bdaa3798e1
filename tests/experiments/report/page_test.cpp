#include "tools/experiments/report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tools/experiments/report/base64.h"
#include "tools/experiments/report/embedded.h"

namespace experiments {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::ordered_json;

constexpr const char* kHostile = "</script><img src=x onerror=alert(1)><!--<script>";

/// What the scripts of a page are given.
std::string data_of(const std::string& page) {
  const std::string mark = "id=\"data\">";
  const std::size_t begin = page.find(mark) + mark.size();
  return page.substr(begin, page.find("</script>", begin) - begin);
}

TEST(ScriptJson, holds_the_same_value_without_an_angle_bracket) {
  const Json data{{"classes", {kHostile, "\\u003c", "\xC3\xA9\xE2\x80\xA8"}}, {kHostile, 1.5}};
  EXPECT_THAT(script_json(data), Not(HasSubstr("<")));
  EXPECT_EQ(Json::parse(script_json(data)), data);
}

TEST(ReportPage, keeps_hostile_names_inside_its_data) {
  const Json data{{"kind", "run"}, {"name", kHostile}};
  const std::string page = report_page(data);
  EXPECT_EQ(Json::parse(data_of(page)), data);
  EXPECT_EQ(page.find("<img"), std::string::npos);
}

TEST(ReportPage, takes_names_that_look_like_its_own_marks_as_names) {
  const Json data{{"name", "{{script}}{{style}}{{data}}"}};
  EXPECT_EQ(Json::parse(data_of(report_page(data))), data);
}

TEST(ReportPage, shows_bytes_that_are_no_utf8_as_replacements) {
  EXPECT_EQ(Json::parse(data_of(report_page({{"name", "a\xFFz"}})))["name"], "a\xEF\xBF\xBDz");
}

TEST(ReportPage, is_one_file_that_loads_nothing) {
  const std::string page = report_page(Json::object());
  EXPECT_LT(page.size(), 200'000u);
  for (const char* way : {" src=", "@import", "url(", "fetch(", "XMLHttpRequest", "WebSocket", "import("})
    EXPECT_EQ(page.find(way), std::string::npos) << way;
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("unsafe-inline"), std::string::npos);
  EXPECT_NE(page.find("Permission is hereby granted"), std::string::npos)
      << "the licence of uPlot goes with it";
}

TEST(ReportPage, has_scripts_that_read_no_text_as_html) {
  const std::string page = report_page(Json::object());
  for (const char* way : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("})
    EXPECT_EQ(page.find(way), std::string::npos) << way;
}

TEST(EmbeddedFile, that_is_not_there_is_an_error) {
  EXPECT_FALSE(embedded_file("tools/experiments/report/page/page.html").empty());
  EXPECT_THROW(embedded_file("tools/experiments/report/page/none.html"), engine::Error);
}

TEST(Base64, is_that_of_rfc_4648) {
  const auto of = [](std::string_view text) { return base64(std::as_bytes(std::span(text))); };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
  EXPECT_EQ(of("\xFB\xFF"), "+/8=");
}

}  // namespace
}  // namespace experiments
