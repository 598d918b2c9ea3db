// Trees drawn with lines.

export interface TreeNode {
  readonly text: string;
  readonly children: readonly TreeNode[];
}

/** The tree below a `.`, newline at the end. */
export function drawTree(root: TreeNode): string {
  return `.\n${draw([root], "")}`;
}

function draw(nodes: readonly TreeNode[], indent: string): string {
  return nodes
    .map(({ text, children }, i) => {
      const isLast = i === nodes.length - 1;
      const own = `${indent}${isLast ? "└── " : "├── "}${text}\n`;
      return own + draw(children, `${indent}${isLast ? "    " : "│   "}`);
    })
    .join("");
}
