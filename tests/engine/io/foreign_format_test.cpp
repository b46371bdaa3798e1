#include "engine/io/foreign_format.h"

#include <gmock/gmock.h>

#include "engine/io/safetensors.h"
#include "tests/engine/io/temporary_folder.h"

namespace engine {
namespace {

using namespace std::string_view_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

struct Case {
  std::string_view start;
  const char* what;
};

TEST(ForeignFormat, is_recognised_by_content_and_answered_with_its_conversion) {
  const Case cases[] = {
      {"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0archive/data.pkl"sv, "torch.load"},
      {"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0embedding/kernel.npy"sv,
       "--model "},
      {"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M"sv, "torch.load"},
      {"\x93NUMPY\x01\0v\0{'descr'"sv, "a single NumPy array"},
      {"\x08\x07\x12\x07pytorch\x1a\x06"sv, "onnx.load"},
      {"\x89HDF\r\n\x1a\n\0\0\0\0"sv, "HDF5"},
      {"GGUF\x03\0\0\0\0\0\0\0"sv, "GGUF"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a"sv, "git lfs pull"},
      {"<!DOCTYPE html><html><body>404</body></html>"sv, "downloads the file itself"},
      {"<html><head>"sv, "downloads the file itself"},
      {"<?xml version=\"1.0\"?><Error>"sv, "an XML text"},
      {"{\"architecture\": \"vit_tiny_patch16_224\"}"sv, ".safetensors file beside it"},
      {"\xff\xd8\xff\xe0\0\x10JFIF"sv, "is an image"},
      {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"sv, "is an image"},
      {"RIFF\x24\x01\0\0WEBPVP8 "sv, "is an image"},
      {"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0a.txt"sv,
       "is a zip archive that neither"},
      {"\x1f\x8b\x08\0\0\0\0\0"sv, "unpack it"}};
  for (const auto& [start, what] : cases) {
    const TemporaryFolder folder;
    const auto path = put(folder / "x.bin", std::string(start) + std::string(100, '\xff'));
    const std::string error = message_of<Error>([&] { const Safetensors file(path); });
    EXPECT_THAT(error, AllOf(HasSubstr(path.string() + ": is "), HasSubstr(what)));
  }
}

TEST(ForeignFormat, of_a_tar_archive_stands_behind_the_first_name) {
  const TemporaryFolder folder;
  const std::string tar = "model/weights" + std::string(257 - 13, '\0') + "ustar" + std::string(250, '\0');
  const File file(put(folder / "x.tar", tar));
  EXPECT_THAT(recognised_format(file), HasSubstr("is a tar archive"));
}

TEST(ForeignFormat, of_a_damaged_safetensors_file_is_none) {
  const TemporaryFolder folder;
  for (const std::string& bytes : {std::string(64, '\xff'), std::string("short"), std::string()}) {
    const File file(put(folder / "x", bytes));
    EXPECT_EQ(recognised_format(file), "");
  }
}

}  // namespace
}  // namespace engine
