// Cards of examples: those of a slice, of a kind of error, or of any other question.

import { source } from "../data/open.ts";
import type { Question } from "../data/source.ts";
import { count, counted } from "../ui/format.ts";
import { exampleCard } from "./cards.ts";
import { foundSection, type FoundSection } from "./found_section.ts";
import { exampleExports } from "./table.ts";

interface CardSection extends Pick<FoundSection<number>, "chosen" | "change"> {
  /** The name of the exported file. */
  name: string;
  question: Question;
  unit: string;
  /** How many there are in the warehouse; a report may have a sample. */
  total: number;
  verdicts?: string[];
  withModel?: boolean;
}

export function exampleCards({
  name,
  question,
  unit,
  total,
  verdicts = [],
  withModel,
  chosen,
  change,
}: CardSection): Node[] {
  return foundSection({
    find: (verdict, limit) => source.find({ ...question, verdict }, limit),
    show: ({ examples }, row) => exampleCard(examples, row, { withModel }),
    tell: (found, verdict) =>
      !verdict && found.total < total
        ? `${count(found.total)} of ${count(total)} are in this report's sample`
        : counted(found.total, unit),
    exports: (found) => exampleExports(name, found),
    step: 6,
    kinds: verdicts.length ? ["", ...verdicts] : [],
    chosen,
    change,
  });
}
