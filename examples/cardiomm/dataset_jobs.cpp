// SPDX-License-Identifier: Apache-2.0
/// \file
/// Work on many files in worker processes: a crash ends one piece of work only. What is finished is
/// noted in a journal, so that a run that was ended goes on where it was.

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <thread>

#include "dataset_journal.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;

/// A copy of this program that does one piece of work after another.
class worker {
 public:
  worker() = default;
  ~worker() { end(); }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  int busy = -1;  ///< the number of the order, or -1
  int fd() const { return link_.get(); }

  void give(int order, const std::string& text) {
    if (child_ <= 0) start();
    busy = order;
    answer_.clear();
    const std::string line = text + "\n";
    for (std::size_t at = 0; at < line.size();) {
      const ssize_t n = ::send(link_.get(), line.data() + at, line.size() - at, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;  // it died, which `take` will find
      at += static_cast<std::size_t>(n);
    }
  }
  /// Reads what came; a whole answer, or why there will be none.
  std::optional<json> take() {
    char part[1 << 16];
    const ssize_t n = ::recv(link_.get(), part, sizeof part, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
    if (n <= 0) {
      int status = 0;
      while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
      }
      child_ = -1;
      link_ = io::detail::descriptor();
      return json{{"error", WIFSIGNALED(status)
                                ? "the process at work on it ended with signal " +
                                      std::to_string(WTERMSIG(status)) +
                                      (WTERMSIG(status) == SIGKILL ? " (out of memory?)" : "")
                                : "the process at work on it ended"}};
    }
    answer_.append(part, static_cast<std::size_t>(n));
    if (answer_.back() != '\n') return std::nullopt;
    return json::parse(answer_, nullptr, false);
  }
  void end() {
    link_ = io::detail::descriptor();
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
  }

 private:
  void start() {
    int pair[2];
    require<io_error>(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0,
                      "a process cannot be started: ", io::detail::reason(errno));
    std::fflush(nullptr);
    const pid_t parent = ::getpid();
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);
      ::dup2(pair[1], STDIN_FILENO);
      const int quiet = ::open("/dev/null", O_WRONLY);
      if (quiet >= 0) ::dup2(quiet, STDOUT_FILENO);
      for (const int s : {SIGINT, SIGTERM}) ::signal(s, SIG_IGN);  // the parent ends us
      ::setenv("OMP_NUM_THREADS", "1", 1);
      ::execl("/proc/self/exe", "cardiomm", "dataset", "work", "--threads", "1", nullptr);
      ::_exit(127);
    }
    const int code = errno;
    ::close(pair[1]);
    link_ = io::detail::descriptor(pair[0]);
    require<io_error>(child_ > 0, "a process cannot be started: ", io::detail::reason(code));
  }
  pid_t child_ = -1;
  io::detail::descriptor link_;
  std::string answer_;
};

/// "[#####.....] 12/40, 3 failed, 0:42 left  name"
std::string bar(std::size_t done, std::size_t all, std::size_t failed, double left,
                const std::string& name) {
  constexpr std::size_t width = 24;
  const std::size_t filled = all ? width * done / all : width;
  std::string text = "[" + std::string(filled, '#') + std::string(width - filled, '.') + "] " +
                     std::to_string(done) + "/" + std::to_string(all);
  if (failed) text += ", " + std::to_string(failed) + " failed";
  if (left >= 0) {
    const long s = std::lround(left);
    char clock[32];
    if (s >= 3600)
      std::snprintf(clock, sizeof clock, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
      std::snprintf(clock, sizeof clock, "%ld:%02ld", s / 60, s % 60);
    text += std::string(", ") + clock + " left";
  }
  return text + "  " + (name.size() > 48 ? "..." + name.substr(name.size() - 45) : name);
}

}  // namespace

std::string dataset_task::output(const std::string& relative) {
  const fs::path path = fs::path(out) / relative;
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  require<io_error>(!code, path.parent_path().string(), ": cannot be made: ", code.message());
  outputs.push_back(relative);
  return path.string();
}

std::vector<dataset_outcome> do_orders(const std::vector<dataset_order>& orders,
                                       const dataset_command& c, const std::string& out,
                                       const std::string& journal_path,
                                       const common_options& common) {
  if (!out.empty()) {
    std::error_code code;
    fs::create_directories(out, code);
    require<io_error>(fs::is_directory(out), out, ": cannot be made: expected a folder, found ",
                      code ? code.message() : std::string("a file"));
  }
  work_journal journal(
      !out.empty() ? (fs::path(out) / ".dataset_journal.jsonl").string() : journal_path, out);
  if (!out.empty()) remove_parts(out);
  progress p(common);
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  stopwatch watch;
  std::vector<dataset_outcome> all(orders.size());
  std::vector<std::string> ids(orders.size());
  std::vector<int> open;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    all[i].name = orders[i].name;
    all[i].about = orders[i].about;
    ids[i] = identity_of(orders[i]);
    if (const json* j = journal.find(ids[i], c.verify)) {
      all[i].skipped = true;
      all[i].result = (*j)["result"];
      for (const auto& o : (*j)["outputs"]) all[i].outputs.push_back(o.value("path", ""));
    } else
      open.push_back(static_cast<int>(i));
  }
  const std::size_t todo = open.size();
  if (!terminal && todo < orders.size())
    p.stage(std::to_string(orders.size() - todo) + " of " + std::to_string(orders.size()) +
            " are done already");
  std::size_t threads = common.threads > 0 ? static_cast<std::size_t>(common.threads)
                                           : std::max(1u, std::thread::hardware_concurrency());
  if (c.jobs > 0) threads = static_cast<std::size_t>(c.jobs);
  std::vector<std::unique_ptr<worker>> workers(std::min(threads, todo));
  for (auto& w : workers) w = std::make_unique<worker>();
  std::size_t given = 0, done = 0, failed = 0;
  const auto give = [&](worker& w) {
    w.busy = -1;
    if (given == todo) return;
    const int i = open[given++];
    const json message = {{"work", orders[static_cast<std::size_t>(i)].work},
                          {"out", out},
                          {"no_clobber", common.no_clobber}};
    w.give(i, message.dump(-1, ' ', false, json::error_handler_t::replace));
  };
  try {
    for (auto& w : workers) give(*w);
    while (done < todo) {
      stop_if_interrupted();
      std::vector<pollfd> polls;
      for (auto& w : workers) polls.push_back({w->fd(), POLLIN, 0});
      if (::poll(polls.data(), polls.size(), 500) < 0 && errno != EINTR)
        throw io_error(std::string("poll: ") + io::detail::reason(errno));
      for (std::size_t k = 0; k < workers.size(); ++k) {
        if (polls[k].revents == 0 || workers[k]->busy < 0) continue;
        const auto answer = workers[k]->take();
        if (!answer) continue;
        const auto i = static_cast<std::size_t>(workers[k]->busy);
        ++done;
        if (answer->is_object() && answer->contains("result")) {
          all[i].result = (*answer)["result"];
          for (const auto& o : (*answer)["outputs"]) all[i].outputs.push_back(o.value("path", ""));
          journal.add(ids[i], all[i].name, (*answer)["outputs"], all[i].result);
        } else {
          all[i].error = answer->is_object() ? answer->value("error", "no answer") : "no answer";
          ++failed;
        }
        give(*workers[k]);
        const double left =
            watch.seconds() / static_cast<double>(done) * static_cast<double>(todo - done);
        if (terminal)
          p.part(bar(done, todo, failed, left, all[i].name));
        else
          p.stage(std::to_string(done) + "/" + std::to_string(todo) + " " + all[i].name +
                  (all[i].error.empty() ? "" : ": failed"));
      }
    }
  } catch (const interrupted&) {
    for (auto& w : workers) w->end();
    if (!out.empty()) remove_parts(out);
    p.clear();
    throw interrupted{"; " + std::to_string(orders.size() - todo + done) + " of " +
                      std::to_string(orders.size()) + " files are done" +
                      (out.empty() && journal_path.empty() ? "" : ", the same command goes on")};
  }
  workers.clear();
  if (!out.empty()) remove_parts(out);
  journal.finish({ids.begin(), ids.end()});
  return all;
}

void serve_orders() {
  const io::detail::descriptor link(::dup(STDIN_FILENO));
  std::string text;
  char part[1 << 16];
  for (;;) {
    const ssize_t n = ::recv(link.get(), part, sizeof part, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.append(part, static_cast<std::size_t>(n));
    if (text.back() != '\n') continue;
    json answer;
    dataset_task t;
    try {
      const json message = json::parse(text);
      t.work = message.at("work");
      t.out = message.at("out");
      t.policy = message.value("no_clobber", false) ? io::existing::refuse : io::existing::replace;
      const std::string what = t.work.at("do");
      answer["result"] = what == "check"         ? check_scan(t)
                         : what == "stats"       ? measure_scan(t)
                         : what == "undersample" ? undersample_scan(t)
                                                 : export_scan(t);
      answer["outputs"] = json::array();
      std::sort(t.outputs.begin(), t.outputs.end());
      for (const auto& o : t.outputs) {
        const auto [size, sum] = sum_of((fs::path(t.out) / o).string());
        answer["outputs"].push_back({{"path", o}, {"bytes", size}, {"sum", sum}});
      }
    } catch (const std::bad_alloc&) {
      answer = {{"error", "out of memory"}};
    } catch (const std::exception& e) {
      answer = {{"error", e.what()}};
    }
    text = answer.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t put = ::send(link.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return;
      at += static_cast<std::size_t>(put);
    }
    text.clear();
  }
}

void finish_orders(const std::vector<dataset_outcome>& all, json summary, double seconds,
                   const common_options& common) {
  std::size_t failed = 0, skipped = 0, outputs = 0;
  json errors = json::array();
  for (const auto& o : all) {
    skipped += o.skipped;
    outputs += o.outputs.size();
    json found = json::array();
    if (!o.error.empty())
      found.push_back({{"file", o.about}, {"error", o.error}});
    else if (o.result.is_object() && o.result.contains("problems"))
      found = o.result["problems"];  // of `check`
    for (const auto& e : found)
      errors.push_back({{"file", e["file"]}, {"error", one_line(e["error"].get<std::string>())}});
    if (found.empty()) continue;
    ++failed;
    skipped -= o.skipped;
  }
  summary["files"] = all.size();
  summary["done"] = all.size() - failed - skipped;
  summary["skipped"] = skipped;
  summary["failed"] = failed;
  summary["outputs"] = outputs;
  summary["seconds"] = seconds;
  summary["errors"] = errors;
  if (common.as_json)
    std::cout << dump(summary) << "\n";
  else {
    std::printf("%zu files: %zu done, %zu done before, %zu failed", all.size(),
                all.size() - failed - skipped, skipped, failed);
    if (outputs) std::printf("; %zu outputs", outputs);
    std::printf("; %.1f s\n", seconds);
    for (const auto& e : errors) {
      const std::string file = e["file"], text = e["error"];
      const bool named = text.rfind(file, 0) == 0;
      std::printf("  %s%s%s\n", named ? "" : file.c_str(), named ? "" : ": ", text.c_str());
    }
  }
  std::fflush(stdout);
  std::cout.flush();
  require<value_error>(failed == 0, failed, " of ", all.size(), " files failed",
                       common.as_json ? "" : ", see above");
}

}  // namespace program
