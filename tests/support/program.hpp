// Runs a program as a child of the test: its output, its status, its end with the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ww::test {

struct Finished {
  int status = -1;  // exit status, or 128 + signal
  std::string out;
  std::string err;
};

/// A running child. It gets SIGKILL when the test ends.
class Program {
 public:
  struct Options {
    std::map<std::string, std::string> environment;  // added to ours
    std::string directory;                           // empty: ours
    std::uint64_t file_size_limit = 0;               // RLIMIT_FSIZE in bytes; 0: none
  };
  Program(const std::vector<std::string>& arguments, const Options& options);
  explicit Program(const std::vector<std::string>& arguments) : Program(arguments, Options{}) {}
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Waits for its end; after `limit` it is killed and the status says so.
  Finished wait(std::chrono::seconds limit);

 private:
  pid_t pid_ = 0;
  bool reaped_ = false;
  std::string out_path_;
  std::string err_path_;
};

Finished run_program(const std::vector<std::string>& arguments,
                     const Program::Options& options = {},
                     std::chrono::seconds limit = std::chrono::seconds(180));

/// Asks `condition` again and again until it holds; false when it did not within `limit`.
bool eventually(const std::function<bool()>& condition,
                std::chrono::seconds limit = std::chrono::seconds(60));

/// A fresh folder that is removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string slurp(const std::string& path);

/// Process ids whose command line contains `needle`.
std::vector<pid_t> processes_with(const std::string& needle);

}  // namespace ww::test
