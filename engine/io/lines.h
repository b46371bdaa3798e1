#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string_view>

namespace engine {

/// Gives `take` the lines of a text file one after the other, without their ends; the last one may lack its
/// own. A line of more than `longest` bytes is left out, and memory is needed for one line only.
void for_each_line(const std::filesystem::path& path, std::size_t longest,
                   const std::function<void(std::string_view)>& take);

}  // namespace engine
