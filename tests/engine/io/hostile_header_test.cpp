// Headers as long as they may be, made to take time or memory. Each is answered within a small multiple of
// its own size; the CPU seconds are printed.

#include <gmock/gmock.h>

#include <ctime>
#include <functional>
#include <new>

#include "engine/io/safetensors.h"
#include "tests/engine/io/safetensors_bytes.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/memory_limit.h"

namespace engine {
namespace {

using testing::HasSubstr;

/// Writes a file whose header is `begin`, then `part(i)` as often as there is room in `size` bytes, then
/// `end`.
std::filesystem::path fill(const std::filesystem::path& path, std::size_t size, const std::string& begin,
                           const std::function<std::string(int)>& part, const std::string& end) {
  std::string text = begin;
  for (int i = 0;; ++i) {
    const std::string next = part(i);
    if (text.size() + next.size() + end.size() > size) break;
    text += next;
  }
  return put(path, file_of(text + end, 0));
}

/// The part that repeats a text.
std::function<std::string(int)> again(std::string text) {
  return [text = std::move(text)](int) { return text; };
}

/// A part that gives `value` to a key of its own.
std::function<std::string(int)> keyed(const std::string& value) {
  return [value](int i) { return (i ? ",\"" : "\"") + std::to_string(i) + "\":" + value; };
}

constexpr std::size_t kLongest = 100'000'000, kLongestText = 25'000'000;

/// What is said of the file with that header, in memory of `multiple` times its size.
void expect_answer(const char* what, std::size_t size, const std::string& begin,
                   const std::function<std::string(int)>& part, const std::string& end, std::size_t multiple,
                   const std::string& expected) {
  const TemporaryFolder folder;
  const auto path = fill(folder / "x", size, begin, part, end);
  std::string answer;
  const std::clock_t start = std::clock();
  try {
    const support::MemoryLimit limit(multiple * size);
    answer = say(Safetensors(path).entries().size(), "tensors");
  } catch (const std::bad_alloc&) {
    answer = "out of memory";
  } catch (const SafetensorsError& error) {
    answer = error.what();
  }
  std::printf("%.2f s of CPU: %s\n", static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, what);
  EXPECT_THAT(answer, HasSubstr(expected)) << what;
}

constexpr const char* kNoBounds = "the address space of a sanitized program has no bounds";
const std::string kMegabyte(1'000'000, 'n');
const std::string kEmpty = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";  ///< a tensor without values

TEST(HostileHeader, of_100_MB_is_answered_without_a_second_copy) {
  if (support::kSanitized) GTEST_SKIP() << kNoBounds;
  const auto refused = [](const char* what, const std::string& begin,
                          const std::function<std::string(int)>& part, const std::string& end) {
    expect_answer(what, kLongest, begin, part, end, 2, "[ST025]");
  };
  refused("one key", "{\"", again(kMegabyte), "\":" + kEmpty + "}");
  refused("one text of metadata", R"({"__metadata__":{"k":")", again(kMegabyte), "\"}}");
  refused("millions of tensors", "{", keyed(kEmpty), "}");
  refused("millions of keys of metadata", R"({"__metadata__":{)", keyed("\"\""), "}}");
  refused("millions of lists", R"({"a":{"x":)", again("["), "");
  refused("millions of objects", R"({"a":)", again(R"({"x":)"), "");
  refused("millions of ignored numbers", R"({"a":{"x":[0)", again(",0"), "]}}");
  expect_answer("white space", kLongest, "{", again("                "), "}", 2, "[ST025]");
  expect_answer("white space around", kLongest, "", again("                "), "{}", 2, "0 tensors");
}

TEST(HostileHeader, of_25_MB_of_text_is_answered_in_memory_of_its_own_size) {
  if (support::kSanitized) GTEST_SKIP() << kNoBounds;
  const auto answered = [](const char* what, const std::string& begin,
                           const std::function<std::string(int)>& part, const std::string& end,
                           const std::string& answer) {
    expect_answer(what, kLongestText, begin, part, end, 8, answer);
  };
  answered("one key", "{\"", again(kMegabyte), "\":" + kEmpty + "}", "1 tensors");
  answered("one text of metadata", R"({"__metadata__":{"k":")", again(kMegabyte), "\"}}", "0 tensors");
  answered("tensors without end", "{", keyed(kEmpty), "}", "[ST017]");
  answered("metadata without end", R"({"__metadata__":{)", keyed("\"\""), "}}", "[ST027]");
  answered("keys without end", R"({"a":{"x":{)", keyed("0"), "}}}", "[ST026]");
  answered("lists without end", R"({"a":{"x":)", again("["), "", "[ST006]");
  answered("objects without end", R"({"a":)", again(R"({"x":)"), "", "[ST006]");
  answered("ignored numbers", R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":[0)", again(",0"),
           "]}}", "1 tensors");
  answered("axes without end", R"({"a":{"dtype":"U8","shape":[0)", again(",0"), R"(],"data_offsets":[0,0]}})",
           "[ST015]");
}

}  // namespace
}  // namespace engine
