import { relative } from 'node:path';

// A vitest reporter that ends the output with one plain line: N passed, N failed, N skipped. In front of it stands what was under way
// in a worker that died: vitest says that one did, and not with which tests.
export default class ClosingLine {
  onTestRunEnd(modules, errors) {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      const before = count.failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state in count) count[state]++;
        else console.log(`did not end: ${relative('', module.moduleId)} > ${test.fullName}`);
      }
      // A file that could not be loaded has no test that could have failed.
      if (count.failed === before && module.state() === 'failed') count.failed++;
    }
    console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  }
}
