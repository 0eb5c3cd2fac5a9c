import { expect, test } from 'vitest';
import { csvLine } from '../../src/cli/csv.js';

test.each([
  [['a', 1, null], 'a,1,'],
  [['a,b', 'say "hi"', 'two\nlines'], '"a,b","say ""hi""","two\nlines"'],
  [['=1+1', '+1', '-1', '@SUM(A1)', '\tx'], "'=1+1,'+1,'-1,'@SUM(A1),'\tx"],
  [['=HYPERLINK("x","y")'], `"'=HYPERLINK(""x"",""y"")"`],
  [[-1, 0], '-1,0'],
])('%j', (cells, line) => {
  expect(csvLine(cells)).toBe(line);
});
