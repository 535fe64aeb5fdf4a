/** The row that the pointer is over on one map, so that others show it too. */
export const hovered = $state<{ row: number }>({ row: -1 })
