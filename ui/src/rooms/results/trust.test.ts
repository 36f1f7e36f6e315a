import { describe, expect, it } from "vitest";
import { allowedAt, ERRORS_ALLOWED, sliderPlace } from "./trust.svelte";

describe("the slider of errors allowed", () => {
  it("goes there and back", () => {
    for (let place = 0; place <= ERRORS_ALLOWED.length; place++) expect(sliderPlace(allowedAt(place))).toBe(place);
  });

  it("ends with giving every answer", () => {
    expect(allowedAt(ERRORS_ALLOWED.length)).toBeNull();
  });

  it("stands at the nearest place for a rule made on the command line", () => {
    expect(allowedAt(sliderPlace(0.06))).toBe(0.05);
  });
});
