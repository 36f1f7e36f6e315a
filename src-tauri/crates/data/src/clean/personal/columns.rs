//! Columns whose name says that they hold personal data: who somebody is or how to reach them, not what happened to them.
//!
//! A name in, a yes or no out; cells are never looked at.

/// Names as they stand, their words joined by spaces.
const WHOLE: &[&str] = &[
    "name",
    "names",
    "id number",
    "id card",
    "id no",
    "national id",
    "mobile",
    "cell",
    "phone",
    "tel",
    "fax",
    "mail",
    "contact",
    "street",
    "postcode",
    "post code",
    "zip",
    "zip code",
    "patient",
    "client",
    "customer",
    "plaintiff",
    "defendant",
    "record number",
    "plz",
    "kunde",
];

/// Words that say so wherever they stand.
const WORDS: &[&str] = &[
    "email",
    "emails",
    "telephone",
    "phone",
    "mobile",
    "handy",
    "telefon",
    "ssn",
    "passport",
    "iban",
    "surname",
    "forename",
    "firstname",
    "lastname",
    "fullname",
    "vorname",
    "nachname",
    "birthdate",
    "birthday",
    "dob",
    "geburtsdatum",
    "mrn",
    "address",
    "adresse",
    "anschrift",
];

/// Two words that say so where they follow each other.
const PAIRS: &[(&str, &str)] = &[
    ("e", "mail"),
    ("first", "name"),
    ("last", "name"),
    ("full", "name"),
    ("family", "name"),
    ("given", "name"),
    ("middle", "name"),
    ("maiden", "name"),
    ("patient", "name"),
    ("patients", "name"),
    ("client", "name"),
    ("customer", "name"),
    ("contact", "name"),
    ("employee", "name"),
    ("doctor", "name"),
    ("physician", "name"),
    ("author", "name"),
    ("user", "name"),
    ("patient", "id"),
    ("patient", "no"),
    ("patient", "number"),
    ("social", "security"),
    ("birth", "date"),
    ("credit", "card"),
    ("account", "number"),
    ("insurance", "number"),
    ("nhs", "number"),
    ("nhs", "no"),
    ("medical", "record"),
];

/// Words before "address" that make it something else's.
const NOT_OF_PEOPLE: &[&str] = &["web", "url", "memory", "mac"];

/// What a Chinese name holds, wherever it stands.
const CHINESE: &[&str] = &[
    "姓名",
    "名字",
    "身份证",
    "证件号",
    "护照",
    "电话",
    "手机",
    "联系方式",
    "联系人",
    "地址",
    "住址",
    "邮箱",
    "电子邮件",
    "微信",
    "病历号",
    "病案号",
    "住院号",
    "门诊号",
    "就诊号",
    "医保号",
    "社保号",
    "医保卡",
    "银行卡",
    "银行账号",
    "出生日期",
    "生日",
    "患者",
    "病人",
    "当事人",
    "原告",
    "被告",
];

/// Chinese names that hold one of those and mean something else.
const CHINESE_OTHERWISE: &[&str] = &[
    "网站地址",
    "网页地址",
    "链接地址",
    "图片地址",
    "患者主诉",
    "病人主诉",
    "当事人诉求",
    "原告诉求",
    "原告主张",
    "被告辩称",
    "被告答辩",
];

/// Whether a column of this name probably holds personal data.
pub(crate) fn is_personal_column(name: &str) -> bool {
    let words = words(name);
    let whole = words.join(" ");
    WHOLE.contains(&whole.as_str())
        || words.windows(2).any(|pair| PAIRS.contains(&(&pair[0], &pair[1])))
        || words.iter().enumerate().any(|(at, word)| {
            let before = at.checked_sub(1).map(|before| words[before].as_str());
            WORDS.contains(&word.as_str()) && !before.is_some_and(|before| NOT_OF_PEOPLE.contains(&before))
        })
        || (CHINESE.iter().any(|part| name.contains(part))
            && !CHINESE_OTHERWISE.iter().any(|part| name.contains(part)))
}

/// "patientName", "patient_name" and "Patient name" are the same words.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            open = false;
            after_lower = false;
            continue;
        }
        if !open || (c.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        open = true;
        after_lower = c.is_lowercase();
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_columns_about_people_are_known_however_they_are_written() {
        for name in [
            "Name",
            "patientName",
            "PATIENT_ID",
            "first name",
            "E-Mail",
            "e_mail",
            "Email address",
            "Home address",
            "Phone (home)",
            "SSN",
            "date_of_birth_dob",
            "birth date",
            "MRN",
            "NHS number",
            "姓名",
            "患者姓名",
            "身份证号码",
            "联系电话",
            "家庭住址",
            "病历号",
        ] {
            assert!(is_personal_column(name), "{name}");
        }
    }

    #[test]
    fn other_columns_are_left_in_peace() {
        for name in [
            "",
            "text",
            "label",
            "id",
            "file name",
            "product_name",
            "drugName",
            "web address",
            "contact reason",
            "client_type",
            "date",
            "case",
            "message",
            "mobility",
            "标签",
            "内容",
            "合同名称",
            "网站地址",
            "患者主诉",
            "原告诉求",
        ] {
            assert!(!is_personal_column(name), "{name}");
        }
    }
}
