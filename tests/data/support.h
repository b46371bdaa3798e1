#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "data/image.h"

namespace data {

namespace fs = std::filesystem;

/// The message of the Error that `f` throws; a test failure when it throws none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

/// The checksum of zlib and PNG, as the golden tables hold it.
inline std::uint32_t crc32_of(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}
inline std::uint32_t crc32_of(const Image& image) {
  return crc32_of(image.rgb.data(), image.rgb.size());
}

/// The image that make.py calls noise(kind, seed, width, height).
inline Image noise(const std::string& kind, std::uint32_t seed, Index width, Index height) {
  Image image(width, height);
  std::uint32_t state = seed;
  for (std::uint8_t& value : image.rgb) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<std::uint8_t>(state >> 24);
    if (kind == "hard") value = value >= 128 ? 255 : 0;
  }
  return image;
}

inline fs::path golden(const std::string& name) {
  return fs::path(ESPALIER_SOURCE_DIR) / "tests/golden/resize" / name;
}

/// The rows of a golden table, without its comment.
inline std::vector<std::istringstream> table(const std::string& name) {
  std::ifstream file(golden(name));
  EXPECT_TRUE(file.good()) << golden(name);
  std::vector<std::istringstream> rows;
  for (std::string line; std::getline(file, line);)
    if (!line.starts_with('#')) rows.emplace_back(line);
  return rows;
}

/// The folder with real images and checkpoints, which is not part of the project.
inline fs::path shared_folder() {
  const char* elsewhere = std::getenv("ESPALIER_SHARED");
  return elsewhere != nullptr ? fs::path(elsewhere) : fs::path(ESPALIER_SOURCE_DIR) / "../shared";
}

/// A folder of its own for one test, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "espalier-data-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

  /// Writes a file below the folder, making the folders it lies in.
  fs::path write(const std::string& name, const std::string& content) const {
    const fs::path path = path_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  fs::path path_;
};

/// Ends the program when a test that must not wait has not ended after so many seconds.
class Deadline {
 public:
  explicit Deadline(unsigned seconds) { ::alarm(seconds); }
  Deadline(const Deadline&) = delete;
  ~Deadline() { ::alarm(0); }
};

/// An image in PPM form.
inline std::string ppm(const Image& image) {
  std::string text = "P6 " + std::to_string(image.width) + " " + std::to_string(image.height) + " 255\n";
  return text.append(reinterpret_cast<const char*>(image.rgb.data()), image.rgb.size());
}

inline std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace data
