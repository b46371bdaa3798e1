#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"

namespace engine {

/// The pieces of `text` between separators; "a,b" gives {"a", "b"}, "" gives {}.
std::vector<std::string> split(std::string_view text, char separator);

/// The words with `separator` between them.
std::string join(std::span<const std::string> words, std::string_view separator);

/// True when `name` matches `pattern`, where `*` stands for any characters and `?` for one.
/// The dots of a parameter name are ordinary characters: "blocks.*.attn.qkv.weight".
bool glob_match(std::string_view pattern, std::string_view name);

/// How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`.
Index edit_distance(std::string_view a, std::string_view b);

/// Up to `count` of `names` that are spelt most like `wanted`, best first. Names over 200 bytes are like
/// none, and among more than 5,000 names none is looked for.
std::vector<std::string> nearest(std::string_view wanted, std::span<const std::string> names,
                                 std::size_t count = 3);

/// "; did you mean a, b?" from the nearest names, or nothing when there are none.
std::string did_you_mean(std::string_view wanted, std::span<const std::string> names);

/// A size for people: 512 B, 22.9 MB (powers of 1000).
std::string human_bytes(double bytes);

/// A count for people: 5,717,416.
std::string human_count(Index count);

/// A finite decimal number that fills the whole of `text`; throws an Error naming `what` otherwise.
double parse_number(std::string_view text, std::string_view what);

/// A whole number that fills the whole of `text`; throws an Error naming `what` otherwise.
Index parse_integer(std::string_view text, std::string_view what);

/// `text` with spaces in place of line breaks and all other control characters, as names of files may have:
/// those of ASCII, DEL, and C1 (U+0080 to U+009F, or such bytes alone), which terminals obey, too.
std::string one_line(std::string text);

/// `value` with this many digits behind the point.
std::string fixed(double value, int digits);

/// A double as text that reads back to the same bits.
std::string exact(double value);

/// The shortest such text, for people.
std::string shortest(double value);

}  // namespace engine
