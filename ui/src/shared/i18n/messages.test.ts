import { describe, expect, it } from "vitest";
import { message } from "./messages";

describe("message", () => {
  it("chooses the English singular and plural by n", () => {
    expect(message("en", "data.count", { n: 1 })).toBe("1 row");
    expect(message("en", "data.count", { n: 12345 })).toBe("12,345 rows");
  });

  it("has one form in Chinese", () => {
    expect(message("zh-CN", "data.count", { n: 1 })).toBe("共 1 条");
  });

  it("leaves strings as they are, even when they look like placeholders or patterns", () => {
    expect(message("en", "labels.rename", { name: "$& {n}" })).toBe("Change “$& {n}”");
  });
});
