// Believable rows for development and tests, made from a few patterns; the same ones at each start.

export type CorpusRow = { text: string; label: string | null };
type Patterns = Record<string, string[]>;

const ENGLISH: Patterns = {
  "Governing law": [
    "This Agreement shall be governed by and construed in accordance with the laws of {place}, without regard to its conflict of laws principles.",
    "The validity, interpretation and performance of this Agreement are controlled by the laws of {place}, and each party submits to the courts sitting there.",
    "Any dispute arising out of this Agreement between {party} and the Supplier is decided under the laws of {place}.",
  ],
  "Termination for convenience": [
    "{party} may terminate this Agreement at any time, for any reason or no reason, upon {days} days’ prior written notice to the other party.",
    "Either party may end this Agreement without cause by giving not less than {days} days’ written notice; fees accrued before that date remain payable.",
    "Notwithstanding anything to the contrary herein, {party} is entitled to cancel any open order for its convenience on {days} days’ notice.",
  ],
  "Non-compete": [
    "During the Term and for {months} months thereafter, {party} shall not, directly or indirectly, engage in any business that competes with the Licensed Business within {place}.",
    "{party} agrees not to develop, market or sell any product that is competitive with the Products for a period of {months} months after expiration.",
    "For so long as this Agreement is in effect, the Distributor shall not represent any competing line of goods in {place}.",
  ],
  "Anti-assignment": [
    "Neither this Agreement nor any right hereunder may be assigned by {party} without the prior written consent of the other party, which shall not be unreasonably withheld.",
    "Any attempted assignment or delegation by {party} in violation of this Section is void and of no effect.",
    "{party} may not transfer its obligations to an affiliate unless it has given {days} days’ notice and received written approval.",
  ],
  "Cap on liability": [
    "In no event shall the aggregate liability of {party} under this Agreement exceed the fees paid during the {months} months preceding the claim.",
    "Except for breaches of confidentiality, neither party is liable for indirect or consequential damages, and total liability is limited to ${amount}.",
    "{party}’s entire liability for all claims of any kind is capped at ${amount}, regardless of the form of action.",
  ],
};

const CHINESE: Patterns = {
  "劳动争议": [
    "我在{place}一家公司上班{months}个月了，公司一直没有和我签劳动合同，也没有交社保，我可以要求什么赔偿？",
    "公司口头通知我下周不用来了，也不给补偿，说我试用期不合格，请问这样辞退合法吗？",
    "老板拖欠我{days}天的工资和加班费，打电话也不接，应该向劳动仲裁委员会提交哪些证据？",
  ],
  "婚姻家庭": [
    "我和丈夫分居已经{months}个月，孩子跟着我生活，如果起诉离婚，抚养权一般会判给谁？",
    "结婚前父母出资在{place}买的房子，只写了我的名字，离婚时对方能分割吗？",
    "前夫从去年起就不付抚养费了，我想申请强制执行，需要准备什么材料？",
  ],
  "房屋租赁": [
    "租的房子还有{days}天到期，房东现在突然要求涨租金，否则就让我搬走，我该怎么办？",
    "退租时房东以墙面有划痕为由扣了全部押金{amount}元，这样合理吗？",
    "我在{place}租的房子漏水，房东一直不修，我能不能自己修理后从租金里扣除？",
  ],
  "借贷纠纷": [
    "朋友{months}个月前借了我{amount}元，只有微信转账记录，没有借条，现在不承认，可以起诉吗？",
    "借条上写的利息是月息三分，对方说太高不受法律保护，请问超过多少不受保护？",
    "我给同事做了担保人，现在他失联了，银行让我还{amount}元，我必须还吗？",
  ],
  "交通事故": [
    "骑电动车在{place}被小轿车追尾，对方全责，但保险公司只愿意赔一部分误工费，怎么主张？",
    "事故认定书说我负次要责任，我不服，应该在几日内申请复核？",
    "发生事故后对方肇事逃逸，我住院{days}天花了{amount}元，医药费由谁先垫付？",
  ],
};

const SLOTS: Record<"en" | "zh", Record<string, string[]>> = {
  en: {
    party: ["Licensee", "Customer", "the Distributor", "Licensor", "the Company", "the Consultant"],
    place: ["the State of Delaware", "the State of New York", "England and Wales", "the Territory", "the State of California"],
  },
  zh: {
    place: ["上海", "成都", "深圳", "武汉", "西安"],
  },
};

/** About 240 rows: most labelled, some not, a few repeated word for word, two empty. */
export function corpus(language: "en" | "zh"): CorpusRow[] {
  const patterns = Object.entries(language === "en" ? ENGLISH : CHINESE);
  const rows: CorpusRow[] = [];
  for (let i = 0; i < 240; i++) {
    const [label, texts] = patterns[(i * 7 + Math.floor(i / 11)) % patterns.length] ?? ["", []];
    const text = fill(texts[Math.floor(i / 5) % texts.length] ?? "", SLOTS[language], i);
    rows.push({ text: language === "en" ? `${i + 1}.${i % 9} ${text}` : text, label: i % 12 === 11 ? null : label });
  }
  for (const i of [4, 40, 90]) rows.push({ ...(rows[i] ?? { text: "", label: null }) });
  rows.push({ text: "", label: null }, { text: "", label: null });
  return rows;
}

function fill(pattern: string, slots: Record<string, string[]>, i: number): string {
  // Figures differ from row to row, so that rows are alike but not the same.
  const figures: Record<string, number> = { days: 10 + ((i * 7) % 83), months: 2 + (i % 23), amount: 2000 + i * 350 };
  let turn = i;
  return pattern.replace(/\{(\w+)\}/g, (whole, name: string) => {
    if (name in figures) return String(figures[name]);
    const choices = slots[name];
    turn = turn * 31 + 17;
    return choices?.[turn % choices.length] ?? whole;
  });
}
