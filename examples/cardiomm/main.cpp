// SPDX-License-Identifier: Apache-2.0
/// \file
/// The program `cardiomm`: command line, exit codes, interruption.

#include "cardiomm/core/runtime.hpp"
#include "common.hpp"

namespace program {
namespace {

/// Newer releases of CLI11 reflow footers, which would tear the commands of the examples apart.
template <class Formatter>
void keep_lines(Formatter& formatter) {
  if constexpr (requires { formatter.enable_footer_formatting(false); })
    formatter.enable_footer_formatting(false);
}

extern "C" void on_interrupt(int) { interrupt_requested = 1; }

void handle_interrupts() {
  struct sigaction what {};
  what.sa_handler = on_interrupt;
  what.sa_flags = SA_RESETHAND | SA_RESTART;  // a second one ends the program at once
  sigaction(SIGINT, &what, nullptr);
  sigaction(SIGTERM, &what, nullptr);
}

int fail(int code, const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "cardiomm: error: %s\n", one_line(message).c_str());
  return code;
}

// What was asked for on the command line, understood in full before anything starts.
int run(int argc, char** argv) {
  CLI::App app{"Reconstruction of cardiac MR images from k-space", "cardiomm"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("cardiomm ") + CARDIOMM_VERSION_STRING);
  keep_lines(*app.get_formatter());
  app.footer("Every subcommand explains itself: cardiomm recon --help");
  common_options common;
  std::map<std::string, action> actions;
  actions["phantom"] = add_phantom(app, common);
  actions["mask"] = add_mask(app, common);
  actions["maps"] = add_maps(app, common);
  actions["recon"] = add_recon(app, common);
  actions["eval"] = add_eval(app, common);
  actions["convert"] = add_convert(app, common);
  actions["info"] = add_info(app, common);
  if (argc > 1 && argv[1][0] != '-' && actions.count(argv[1]) == 0) {
    std::string names;
    for (const auto& a : actions) names += (names.empty() ? "" : ", ") + a.first;
    return fail(user_error, "expected a subcommand of " + names + "; found '" + argv[1] + "'");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) {
      app.exit(e);  // --help or --version
      return success;
    }
    return fail(user_error, e.what());
  }
  require<value_error>(common.threads >= 0 && common.threads <= 4096,
                       "--threads: expected 0 (all) to 4096, found ", common.threads);
  ::setenv("KOKKOS_DISABLE_WARNINGS", "1", 0);
  cardiomm::runtime_options options;
  options.threads = common.threads;
  const cardiomm::runtime guard(options);
  actions.at(app.get_subcommands().front()->get_name())(common);
  std::cout.flush();
  require<io_error>(static_cast<bool>(std::cout), "standard output: cannot be written");
  return success;
}

}  // namespace

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& examples, common_options& common) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("Examples:\n" + examples);
  const std::string group = "Common options";
  command->add_option("--threads", common.threads, "Threads; 0 takes all")->group(group);
  command
      ->add_option_function<std::string>(
          "--precision",
          [&common](const std::string& text) {
            require<value_error>(text == "float" || text == "double",
                                 "--precision: expected float or double, found '", text, "'");
            common.as_double = text == "double";
          },
          "Arithmetic of the computation: float (default) or double")
      ->group(group)
      ->type_name("NAME");
  command->add_flag("--json", common.as_json, "Print the result as JSON")->group(group);
  command->add_flag("--no-clobber", common.no_clobber, "Never replace an existing file")
      ->group(group);
  return *command;
}

void add_axes(CLI::App& command, axes_option& option) {
  command
      .add_option_function<std::vector<std::string>>(
          "--axes",
          [&option](const std::vector<std::string>& all) {
            for (const auto& text : all) option.add(text);
          },
          "Order of the axes in a .npy file, slowest first, of set, frame, slice, coil, y, x; may "
          "be given for several inputs as ROLE:LIST with the roles kspace, image, maps, mask, "
          "noise")
      ->type_name("[ROLE:]LIST")
      ->allow_extra_args(false);
}

}  // namespace program

int main(int argc, char** argv) {
  using namespace program;
  handle_interrupts();
  try {
    return run(argc, argv);
  } catch (const interrupted&) {
    return fail(interrupted_code, "interrupted");
  } catch (const cardiomm::error& e) {
    return fail(user_error, e.what());
  } catch (const std::bad_alloc&) {
    return fail(internal_error, "out of memory");
  } catch (const std::exception& e) {
    return fail(internal_error, e.what());
  }
}
