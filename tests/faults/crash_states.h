#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/faults/recording.h"

namespace faults {

/// Files and folders (those without content) below a folder, by their whole paths.
struct Tree {
  std::set<std::string> folders;
  std::map<std::string, std::string> files;
  auto operator<=>(const Tree&) const = default;
};

/// A disk that forgets: it does the calls of a recording one after the other and knows what a loss of power
/// could leave after each. Sure is what was synced: the content of a file by fsync, a name by fsync of its
/// folder. Of what came after that a crash may keep any part.
class ForgetfulDisk {
 public:
  /// A disk with an empty folder `root`, or with what is below it now.
  explicit ForgetfulDisk(const std::filesystem::path& root);
  void perform(const Call& call);
  /// What a crash could leave now: every subset of the name changes that are not sure, each with the content
  /// of files as it is and as it was when it was synced, and with half of what was written since or zeros for
  /// it.
  std::vector<Tree> after_a_crash() const;

 private:
  struct File {
    std::string now, sure;
  };
  /// A name that was given to a file or a folder (file -1), or taken away (-2).
  struct Change {
    std::vector<std::pair<std::string, int>> names;
  };
  using Names = std::map<std::string, int>;

  Tree tree(const Names& names, const std::vector<std::string>& contents) const;
  void change(Change change);
  static void apply(const Change& change, Names& names);

  std::string root_;
  std::vector<File> files_;
  Names now_, sure_;
  std::vector<Change> unsure_;  ///< what leads from sure_ to now_
  std::map<int, int> open_;     ///< descriptor, file
  std::map<int, std::string> open_folders_;
};

/// Makes a folder hold the tree and nothing else.
void write_tree(const Tree& tree, const std::filesystem::path& root);

}  // namespace faults
