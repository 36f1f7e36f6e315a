//! Which column is probably what: by its name first, then by the shape of its values.

use crate::types::{ColumnRole, Part};

/// What the guess looks at, one a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) filled: u32,
    pub(super) distinct: u32,
    pub(super) mean_length: f64,
    /// Every filled cell names a part of a split.
    pub(super) all_parts: bool,
    /// Every filled cell is a day, written as one.
    pub(super) all_days: bool,
    /// Every filled cell says yes or no, and both come.
    pub(super) all_flags: bool,
    /// The labels that the column's cells seem to be made of, where a cell can hold several.
    pub(super) separator: Option<&'static str>,
}

const LABEL_NAMES: &[&str] = &[
    "label",
    "labels",
    "class",
    "classes",
    "category",
    "categories",
    "target",
    "intent",
    "sentiment",
    "topic",
    "tag",
    "tags",
    "topics",
    "intents",
    "y",
    "kategorie",
    "标签",
    "类别",
    "分类",
    "类型",
    "情感",
    "意图",
    "类目",
];
const TEXT_NAMES: &[&str] = &[
    "text", "texts", "sentence", "content", "document", "message", "review", "comment", "question",
    "abstract", "clause", "body", "文本", "内容", "正文", "评论", "句子", "问题", "条款", "摘要",
];
const GROUP_NAMES: &[&str] = &[
    "group",
    "group_id",
    "patient",
    "patient_id",
    "case",
    "case_id",
    "document_id",
    "doc_id",
    "contract",
    "contract_id",
    "author",
    "author_id",
    "user_id",
    "thread",
    "film",
    "分组",
    "组",
    "患者",
    "病人",
    "案件",
    "案号",
    "合同",
    "作者",
];
const ID_NAMES: &[&str] = &[
    "id", "uid", "uuid", "guid", "index", "row", "no", "nr", "#", "编号", "序号", "行号",
];

/// Of several columns of days, the one that says when the text was written.
const DATE_NAMES: &[&str] = &[
    "date",
    "day",
    "created",
    "created_at",
    "created_on",
    "date_created",
    "timestamp",
    "time",
    "posted",
    "published",
    "datum",
    "日期",
    "时间",
    "创建时间",
    "发布时间",
    "签订日期",
];

/// More classes than this are rather texts.
const MOST_CLASSES: u32 = 300;

/// Proposes a role for each column: one text, at most one group, id, date and split, and one label or a column for each of
/// several.
pub(super) fn guess_roles(columns: &[Shape]) -> Vec<ColumnRole> {
    let mut roles = vec![ColumnRole::Ignore; columns.len()];
    let free = |roles: &[ColumnRole], index: usize| roles[index] == ColumnRole::Ignore;
    let named = |names: &[&str], index: usize| names.contains(&columns[index].name.to_lowercase().as_str());
    let all = 0..columns.len();

    if let Some(split) = all.clone().find(|i| columns[*i].all_parts && columns.len() > 1) {
        roles[split] = ColumnRole::Split;
    }
    let by_name = |i: &usize| named(DATE_NAMES, *i);
    let days = || {
        all.clone()
            .filter(|i| columns.len() > 1 && columns[*i].all_days && free(&roles, *i))
    };
    if let Some(date) = days().find(by_name).or_else(|| days().next()) {
        roles[date] = ColumnRole::Date;
    }
    for (names, role) in [(GROUP_NAMES, ColumnRole::Group), (ID_NAMES, ColumnRole::Id)] {
        if let Some(found) = all
            .clone()
            .find(|i| columns.len() > 1 && free(&roles, *i) && named(names, *i))
        {
            roles[found] = role;
        }
    }
    let longest = |roles: &[ColumnRole], wanted: &dyn Fn(usize) -> bool| {
        let candidates = (0..columns.len()).filter(|i| free(roles, *i) && wanted(*i));
        candidates.max_by(|a, b| columns[*a].mean_length.total_cmp(&columns[*b].mean_length))
    };
    let text = longest(&roles, &|i| {
        named(TEXT_NAMES, i) && !named(LABEL_NAMES, i) && columns[i].filled > 0
    })
    .or_else(|| longest(&roles, &|i| !named(LABEL_NAMES, i)))
    .or_else(|| longest(&roles, &|_| true));
    if let Some(text) = text {
        roles[text] = ColumnRole::Text;
    }
    let by_name = all.clone().find(|i| free(&roles, *i) && named(LABEL_NAMES, *i));
    let flags: Vec<usize> = all
        .clone()
        .filter(|i| free(&roles, *i) && columns[*i].all_flags)
        .collect();
    if by_name.is_none() && flags.len() > 1 {
        flags.into_iter().for_each(|flag| roles[flag] = ColumnRole::Label);
        return roles;
    }
    let label = by_name.or_else(|| {
        let candidates = all
            .clone()
            .filter(|i| free(&roles, *i) && looks_like_label(&columns[*i]));
        candidates.min_by_key(|i| columns[*i].distinct)
    });
    if let Some(label) = label {
        roles[label] = ColumnRole::Label;
    }
    roles
}

/// Few different values, each several times.
fn looks_like_label(column: &Shape) -> bool {
    let few = column.distinct <= MOST_CLASSES && column.distinct * 2 <= column.filled;
    column.distinct >= 2 && (few || column.separator.is_some())
}

/// The part that a cell of a split column names, in any case.
pub(crate) fn part_from_word(word: &str) -> Option<Part> {
    match word.trim().to_lowercase().as_str() {
        "train" | "training" | "训练" | "训练集" => Some(Part::Train),
        "validation" | "valid" | "val" | "dev" | "验证" | "验证集" => Some(Part::Validation),
        "test" | "testing" | "测试" | "测试集" => Some(Part::Test),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColumnRole::*;

    fn shape(name: &str, distinct: u32, mean_length: f64) -> Shape {
        Shape {
            name: name.to_owned(),
            filled: 100,
            distinct,
            mean_length,
            all_parts: false,
            all_days: false,
            all_flags: false,
            separator: None,
        }
    }

    #[test]
    fn names_in_both_languages_decide() {
        let columns = [
            shape("编号", 100, 3.0),
            shape("评论", 100, 80.0),
            shape("情感", 2, 2.0),
        ];
        assert_eq!(guess_roles(&columns), [Id, Text, Label]);
        let columns = [shape("Label", 100, 90.0), shape("Text", 100, 40.0)];
        assert_eq!(guess_roles(&columns), [Label, Text]);
    }

    #[test]
    fn without_names_the_longest_column_is_the_text_and_the_poorest_the_label() {
        let columns = [
            shape("#1", 100, 3.0),
            shape("#2", 4, 6.0),
            shape("#3", 98, 60.0),
            shape("#4", 30, 5.0),
        ];
        assert_eq!(guess_roles(&columns), [Ignore, Label, Text, Ignore]);
    }

    #[test]
    fn a_column_of_part_names_is_the_split_and_a_patient_the_group() {
        let split = Shape {
            all_parts: true,
            ..shape("fold", 3, 5.0)
        };
        let columns = [
            shape("patient", 20, 6.0),
            shape("note", 100, 50.0),
            split,
            shape("class", 2, 3.0),
        ];
        assert_eq!(guess_roles(&columns), [Group, Text, Split, Label]);
    }

    #[test]
    fn a_column_of_days_is_the_date_and_of_several_the_one_that_is_called_so() {
        let days = |name: &str| Shape {
            all_days: true,
            ..shape(name, 80, 10.0)
        };
        let columns = [
            shape("note", 100, 50.0),
            days("born"),
            days("created_at"),
            shape("class", 2, 3.0),
        ];
        assert_eq!(guess_roles(&columns), [Text, Ignore, Date, Label]);
    }

    #[test]
    fn several_columns_of_yes_and_no_are_a_label_each() {
        let flag = |name: &str| Shape {
            all_flags: true,
            ..shape(name, 2, 1.0)
        };
        let columns = [shape("note", 100, 50.0), flag("urgent"), flag("refund")];
        assert_eq!(guess_roles(&columns), [Text, Label, Label]);
        let columns = [
            shape("note", 100, 50.0),
            flag("urgent"),
            flag("refund"),
            shape("label", 4, 5.0),
        ];
        assert_eq!(guess_roles(&columns), [Text, Ignore, Ignore, Label]);
    }

    #[test]
    fn a_column_whose_cells_hold_several_labels_is_the_label() {
        let several = Shape {
            separator: Some("|"),
            ..shape("emotions", 80, 9.0)
        };
        assert_eq!(
            guess_roles(&[shape("a", 100, 50.0), shape("b", 90, 4.0), several]),
            [Text, Ignore, Label]
        );
    }

    #[test]
    fn a_single_column_is_the_text_whatever_it_is_called() {
        assert_eq!(guess_roles(&[shape("id", 100, 5.0)]), [Text]);
        assert_eq!(guess_roles(&[shape("label", 2, 5.0)]), [Text]);
    }

    #[test]
    fn part_words_are_known_in_any_case() {
        assert_eq!(part_from_word(" TRAIN "), Some(Part::Train));
        assert_eq!(part_from_word("Dev"), Some(Part::Validation));
        assert_eq!(part_from_word("测试"), Some(Part::Test));
        assert_eq!(part_from_word("holdout"), None);
    }
}
