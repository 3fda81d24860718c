ww_test(reports_test LABEL unit
  SOURCES
    unit/bench_report_test.cpp
    unit/campaign_report_samples.cpp
    unit/campaign_report_test.cpp
    unit/report_test.cpp
    unit/report_files_test.cpp
    unit/report_page_test.cpp
    unit/report_samples.cpp
  DEPS ww_reports)

ww_test(report_browser_test LABEL slow TIMEOUT 600
  SOURCES
    browser/report_browser_test.cpp
    unit/campaign_report_samples.cpp
    unit/report_samples.cpp
  DEPS ww_reports)
set_tests_properties(report_browser_test PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED: ")
