// The program, on a file system that fails, ends the process or records as the environment asks:
//   ESPALIER_FAULT=KIND, KIND:N or KIND:N:ERROR   at the N-th call, from 1; the kinds are those of
//   support::Fault ESPALIER_RECORD=FILE                          every call that succeeds, see
//   RecordingFileSystem
#include <cstdlib>
#include <map>
#include <string>

#include "engine/base/text.h"
#include "tests/faults/recording.h"
#include "tests/support/faulty_file_system.h"

namespace faults {
namespace {

using support::Fault;

Fault parse(const std::string& text) {
  using enum Fault::Kind;
  static const std::map<std::string, Fault::Kind> kinds{{"fail", fail},
                                                        {"fail_onward", fail_onward},
                                                        {"short_write", short_write},
                                                        {"kill_before", kill_before},
                                                        {"kill_half", kill_half},
                                                        {"kill_after", kill_after},
                                                        {"stop_after", stop_after},
                                                        {"each_interrupted", each_interrupted},
                                                        {"each_short", each_short}};
  static const std::map<std::string, int> errors{{"ENOSPC", ENOSPC}, {"EIO", EIO},
                                                 {"EINTR", EINTR},   {"EDQUOT", EDQUOT},
                                                 {"ENOLCK", ENOLCK}, {"EOPNOTSUPP", EOPNOTSUPP}};
  const std::vector<std::string> words = engine::split(text, ':');
  return {kinds.at(words.at(0)), words.size() > 1 ? std::stol(words[1]) : 0,
          words.size() > 2 ? errors.at(words[2]) : 0};
}

/// Done before main(), which is the program's own.
const bool installed = [] {
  if (const char* fault = std::getenv("ESPALIER_FAULT"))
    engine::use_file_system(*new support::FaultyFileSystem(parse(fault)));
  else if (const char* record = std::getenv("ESPALIER_RECORD"))
    engine::use_file_system(*new RecordingFileSystem(record));
  return true;
}();

}  // namespace
}  // namespace faults
