// What the screen says, in English and Swahili.
const WORDS = {
  en: {
    kitchen: "Kitchen", open: "Open", key: "Key", close: "Close", work: "Tickets being made", nothing: "No orders at the moment.",
    doorTitle: "This screen belongs to one branch", doorText: "Type the branch's key. This device keeps it for 30 days.",
    more: "There are more tickets than fit here. Hand over what is ready.", readyTitle: "Ready", soldOut: "Sold out",
    live: "live", connecting: "connecting …", blind: "orders cannot be read",
    lost: "No connection since {time}. What you see may be old. Trying again …",
    blindSince: "The database does not answer since {time}. What you see may be old.",
    soundOff: "Sound off: touch", soundOn: "Sound on", soundMuted: "Muted", soundNone: "No sound",
    pickup: "Pickup", delivery: "Delivery", "dine-in": "Dine in", speaking: "speaking now", callEnded: "call ended",
    supplement: "addition", fresh: "{n} new", newTicket: "New ticket {number}: {lines}", min: "min",
    answer: "Answer in minutes", dueIn: "due in {n} min", late: "{n} min late", noTime: "no time promised",
    preparing: "Start", ready: "Ready", completed: "Handed over", recall: "Recall", reject: "Reject", back: "Back",
    cancel: "Cancel it", tooLate: "Too late: ready", take: "Take", acceptMin: "Accept: {n} minutes",
    cancelFlag: "Caller cancels: stop making it", alarm: "Nobody has answered this order", owned: "Looked after by {who}",
    alarmSaid: "Alarm: nobody has answered order {number}", being: "being made", notSent: "Not sent: no connection. Touch again.",
    gone: "Another screen was quicker.",
    busy: "Too busy", sold_out: "Sold out", closed: "Closed", too_far: "Too far", unclear: "Unclear",
    duplicate: "Twice", other: "Other", stockTitle: "What is sold out", search: "Search the menu …",
    stockText: "The agent knows it from its next question on, in calls that are going on too.", outDay: "Out today",
    outHour: "1 hour", outOpen: "Until I say", inAgain: "Back again", until: "until {time}", untilSaid: "until you say",
    noMatch: "Nothing on the menu is called so.", helpTitle: "Keys and colours", language: "Kiswahili",
    helpAges: "Green: on time. Amber: half of the promised time is over, or an answer is due since 1 minute. Red: the promise is over, or an answer is due since 3 minutes.",
    keyArrows: "from ticket to ticket", keyNumber: "to that ticket; with reasons open, that reason", keyAccept: "accept, in the time that was promised",
    keyReject: "reject …", keyStart: "start", keyBump: "ready", keyRecall: "recall", keyDone: "handed over", keyCancel: "carry out the caller's cancellation",
    keyTake: "take (alarm)", keyNew: "to the next new ticket", keyStock: "sold out", keySound: "sound on or off", keyHelp: "this help", keyEsc: "close",
  },
  sw: {
    kitchen: "Jikoni", open: "Fungua", key: "Ufunguo", close: "Funga", work: "Oda zinazotengenezwa", nothing: "Hakuna oda kwa sasa.",
    doorTitle: "Skrini hii ni ya tawi moja", doorText: "Andika ufunguo wa tawi. Kifaa hiki kitautunza kwa siku 30.",
    more: "Kuna oda zaidi ya zinazoonekana. Kabidhi zilizo tayari.", readyTitle: "Tayari", soldOut: "Zimeisha",
    live: "moja kwa moja", connecting: "inaunganisha …", blind: "oda hazisomeki",
    lost: "Hakuna mtandao tangu {time}. Unachoona kinaweza kuwa cha zamani. Inajaribu tena …",
    blindSince: "Hifadhidata haijibu tangu {time}. Unachoona kinaweza kuwa cha zamani.",
    soundOff: "Haina sauti: gusa", soundOn: "Sauti imewashwa", soundMuted: "Kimya", soundNone: "Hakuna sauti",
    pickup: "Kuchukua", delivery: "Kupelekwa", "dine-in": "Kula hapa", speaking: "anaongea sasa", callEnded: "simu imeisha",
    supplement: "nyongeza", fresh: "{n} mpya", newTicket: "Oda mpya {number}: {lines}", min: "dak",
    answer: "Jibu kwa dakika", dueIn: "imebaki dak {n}", late: "imechelewa dak {n}", noTime: "hakuna muda ulioahidiwa",
    preparing: "Anza", ready: "Tayari", completed: "Imekabidhiwa", recall: "Rudisha", reject: "Kataa", back: "Nyuma",
    cancel: "Futa oda", tooLate: "Imechelewa: tayari", take: "Nachukua", acceptMin: "Kubali: dakika {n}",
    cancelFlag: "Mteja anafuta: acha kutengeneza", alarm: "Hakuna aliyejibu oda hii", owned: "Inashughulikiwa na {who}",
    alarmSaid: "Tahadhari: hakuna aliyejibu oda {number}", being: "inatengenezwa", notSent: "Haikutumwa: hakuna mtandao. Gusa tena.",
    gone: "Skrini nyingine imetangulia.",
    busy: "Kazi nyingi", sold_out: "Imeisha", closed: "Tumefunga", too_far: "Mbali mno", unclear: "Haieleweki",
    duplicate: "Mara mbili", other: "Nyingine", stockTitle: "Vilivyoisha", search: "Tafuta kwenye menyu …",
    stockText: "Wakala anajua kuanzia swali lake linalofuata, hata katika simu zinazoendelea.", outDay: "Leo hakuna",
    outHour: "Saa 1", outOpen: "Hadi niseme", inAgain: "Kipo tena", until: "hadi {time}", untilSaid: "hadi useme",
    noMatch: "Hakuna kitu chenye jina hilo kwenye menyu.", helpTitle: "Vitufe na rangi", language: "English",
    helpAges: "Kijani: kwa wakati. Njano: nusu ya muda ulioahidiwa imepita, au jibu limechelewa dakika 1. Nyekundu: muda umepita, au jibu limechelewa dakika 3.",
    keyArrows: "oda hadi oda", keyNumber: "kwenda oda hiyo; sababu zikiwa wazi, sababu hiyo", keyAccept: "kubali, kwa muda ulioahidiwa",
    keyReject: "kataa …", keyStart: "anza", keyBump: "tayari", keyRecall: "rudisha", keyDone: "imekabidhiwa", keyCancel: "futa kama mteja alivyoomba",
    keyTake: "nachukua (tahadhari)", keyNew: "kwenda oda mpya", keyStock: "vilivyoisha", keySound: "washa au zima sauti", keyHelp: "msaada huu", keyEsc: "funga",
  },
};

export let language = localStorage.getItem("agiza.kitchen.language") === "sw" ? "sw" : "en";

export function speak(other) {
  language = other;
  localStorage.setItem("agiza.kitchen.language", other);
  document.documentElement.lang = other;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
}

/** The words for a name, with what is to be put into them. */
export function t(name, given = {}) {
  return (WORDS[language][name] || name).replace(/\{(\w+)\}/g, (_, part) => given[part]);
}
