#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace data {

/// The whole of a regular file. Throws an Error naming it when it is missing, cannot be read, or is a folder,
/// pipe, socket or device; never waits for a writer.
std::vector<std::byte> read_file(const std::filesystem::path& path);

/// The lines of a text file without their ends (\n or \r\n).
std::vector<std::string> read_lines(const std::filesystem::path& path);

}  // namespace data
