# Writes a C++ file that holds the bytes of some files, so that the program needs none of them when it runs.
#   cmake -D OUT=<file.cpp> -D ROOT=<folder> -D FILES=<a.js|b.css|...> -P cmake/EmbedFiles.cmake
# It defines experiments::embedded_file(name), declared in tools/experiments/report/embedded.h.
cmake_minimum_required(VERSION 3.22)

string(REPLACE "|" ";" names "${FILES}")
set(arrays "")
set(rows "")
set(number 0)
foreach(name IN LISTS names)
  file(READ ${ROOT}/${name} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char kFile${number}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${name}\", {reinterpret_cast<const char*>(kFile${number}), sizeof kFile${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "// Made by cmake/EmbedFiles.cmake.
#include \"tools/experiments/report/embedded.h\"

namespace experiments {
namespace {

${arrays}
struct File {
  std::string_view name, content;
};
const File kFiles[] = {
${rows}};

}  // namespace

std::string_view embedded_file(std::string_view name) {
  for (const File& file : kFiles) {
    if (file.name == name) return file.content;
  }
  throw engine::Error(\"there is no embedded file \" + std::string(name));
}

}  // namespace experiments
")
